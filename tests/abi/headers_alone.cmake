# Every public header compiles as the only one, and twice in a row.
#   cmake -DCC=... -DINCLUDE=... -P headers_alone.cmake
file(GLOB_RECURSE headers RELATIVE ${INCLUDE} ${INCLUDE}/*.h)
list(LENGTH headers count)
if(count LESS 10)
  message(FATAL_ERROR "only ${count} headers under ${INCLUDE}")
endif()
set(failed 0)
foreach(header IN LISTS headers)
  execute_process(
    COMMAND sh -c "printf '#include \"%s\"\\n#include \"%s\"\\nextern int gpup_not_empty;\\n' '${header}' '${header}' | \
'${CC}' -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
-I'${INCLUDE}' -fsyntax-only -x c -"
    RESULT_VARIABLE status ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    message("${header} does not compile alone:\n${errors}")
    math(EXPR failed "${failed} + 1")
  endif()
endforeach()
if(failed)
  message(FATAL_ERROR "${failed} of ${count} headers do not compile alone")
endif()
message("${count} headers")
