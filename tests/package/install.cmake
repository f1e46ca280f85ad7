# Installs components into a fresh prefix and moves that elsewhere: the package must not know where it was.
#   cmake -DBUILD=... -DCOMPONENT=main|main,fuzz -DWORK=... -P install.cmake
file(REMOVE_RECURSE ${WORK})
string(REPLACE "," ";" components ${COMPONENT})
foreach(component IN LISTS components)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --component ${component} --prefix ${WORK}/before
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "installing ${component} failed (${status}):\n${output}")
  endif()
endforeach()
file(RENAME ${WORK}/before ${WORK}/prefix)

# The parts of it that a project outside does not touch.
foreach(file bin/gpup-cts include/gpup-cts/gpup/registers.h share/doc/gpup-cts/copyright share/man/man1/gpup-cts.1.gz)
  if(NOT EXISTS ${WORK}/prefix/${file})
    message(FATAL_ERROR "${file} was not installed")
  endif()
endforeach()
execute_process(COMMAND sh -c "grep -rIlF -e '${BUILD}' -e '${WORK}' lib include share" WORKING_DIRECTORY ${WORK}/prefix
  OUTPUT_VARIABLE found)
if(found)
  message(FATAL_ERROR "these files know where they were built or installed:\n${found}")
endif()

# The faulty reference driver is found beside the tool.
execute_process(COMMAND ${WORK}/prefix/bin/gpup-cts run reference:BUG-006 --profile smoke --out ${WORK}/defect
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 1)
  message(FATAL_ERROR "a defect of the installed reference driver: expected status 1, found ${status}:\n${output}")
endif()
