# The drivers that only claim: each fails the rules that it lies about, and neither crashes nor hangs.
#   cmake -DTOOL=... -DIMPLEMENTATION=... -DRULES=ID,ID... -DXMLLINT=... -DWORK=... -P liars.cmake
file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${TOOL} run ${IMPLEMENTATION} --out ${WORK} RESULT_VARIABLE status OUTPUT_VARIABLE output)
if(NOT status EQUAL 1)
  message(FATAL_ERROR "expected status 1, found ${status}")
endif()

function(expect count expression)
  execute_process(COMMAND ${XMLLINT} --xpath "count(${expression})" ${WORK}/junit.xml
    RESULT_VARIABLE bad OUTPUT_VARIABLE value ERROR_VARIABLE error)
  string(STRIP "${value}" value)
  if(bad OR NOT value EQUAL count)
    message(FATAL_ERROR "expected ${count}, found ${value}: ${expression} ${error}")
  endif()
endfunction()

expect(0 "//testcase/error")
string(REPLACE "," ";" rules ${RULES})
foreach(rule IN LISTS rules)
  expect(1 "//testcase[@name='${rule}']/failure")
endforeach()
