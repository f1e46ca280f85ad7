# The drivers compile for the Windows target, where there is no C library.
#   cmake -DCC=clang -DSOURCES=dir -DINCLUDE=dir -DOUT=dir -P windows.cmake
file(GLOB files ${SOURCES}/*.c)
list(FILTER files EXCLUDE REGEX "/framework[.]c$") # framework_bound.c is its form for Windows
list(LENGTH files count)
if(count LESS 20)
  message(FATAL_ERROR "only ${count} sources in ${SOURCES}")
endif()
set(failed 0)
foreach(file IN LISTS files)
  execute_process(
    COMMAND ${CC} --target=x86_64-pc-windows-msvc -std=gnu11 -ffreestanding -nostdlibinc -O2 -Wall -Wextra -Werror
      -DLIAR_NAME="liar" -DLIAR_STATUS=STATUS_UNSUCCESSFUL -I${INCLUDE} -c ${file} -o ${OUT}/windows.obj
    RESULT_VARIABLE status ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    message("${file}:\n${errors}")
    math(EXPR failed "${failed} + 1")
  endif()
endforeach()
if(failed)
  message(FATAL_ERROR "${failed} of ${count} sources do not compile for Windows")
endif()
message("${count} sources")
