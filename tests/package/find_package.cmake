# Installs into a fresh prefix, moves that elsewhere (the package must not know where it was), and lets a project outside
# find it, build a driver with it and run the conformance test that came with the driver.
#   cmake -DBUILD=... -DCC=... -DSOURCE=... -DWORK=... -P find_package.cmake
function(step what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what} failed (${status}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
step("installing" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/before)
file(RENAME ${WORK}/before ${WORK}/prefix)
step("configuring the project outside" ${CMAKE_COMMAND} -G Ninja -S ${SOURCE} -B ${WORK}/outside
  -DCMAKE_C_COMPILER=${CC} -DCMAKE_PREFIX_PATH=${WORK}/prefix)
step("building the project outside" ${CMAKE_COMMAND} --build ${WORK}/outside)
step("its conformance test" ${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/outside --output-on-failure --no-tests=error)
if(NOT output MATCHES "mydriver.conformance")
  message(FATAL_ERROR "no conformance test of mydriver:\n${output}")
endif()
# The driver advertises nothing, so nothing failed, and there are results.
foreach(file results.json junit.xml events.jsonl)
  if(NOT EXISTS ${WORK}/outside/mydriver-results/${file})
    message(FATAL_ERROR "the conformance test wrote no ${file}:\n${output}")
  endif()
endforeach()
step("a defect of the installed reference driver" sh -c
  "'${WORK}/prefix/bin/gpup-cts' run reference:BUG-006 --profile smoke --out '${WORK}/defect' >'${WORK}/log' 2>&1
[ $? = 1 ] || { cat '${WORK}/log' && false
}")
