# Installs what tests/reports/npm/package-lock.json names into WORK, unless it is there.
#   cmake -DNPM=npm -DSOURCE=tests/reports/npm -DWORK=... -P install.cmake
file(SHA256 ${SOURCE}/package-lock.json wanted)
if(EXISTS ${WORK}/installed)
  file(READ ${WORK}/installed present)
endif()
if(NOT "${present}" STREQUAL wanted)
  file(REMOVE_RECURSE ${WORK})
  file(COPY ${SOURCE}/ DESTINATION ${WORK})
  execute_process(COMMAND ${NPM} ci WORKING_DIRECTORY ${WORK} RESULT_VARIABLE failed
    OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT failed EQUAL 0)
    message(FATAL_ERROR "npm ci: ${output}")
  endif()
  file(WRITE ${WORK}/installed ${wanted})
endif()
