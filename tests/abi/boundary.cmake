# Two promises of the DDI headers that no layout shows: every function type and prototype names the Windows calling
# convention, and all of them vanish when the WDK's own headers are there.
#   cmake -DCC=... -DINCLUDE=... -P boundary.cmake
file(GLOB headers RELATIVE ${INCLUDE} ${INCLUDE}/ddi/*.h)
set(failed 0)
set(functions 0)
foreach(header IN LISTS headers)
  file(STRINGS ${INCLUDE}/${header} lines REGEX "^(typedef [^;{]*\\((\\*|[A-Z])|[A-Z][A-Za-z0-9_]* ?\\*?[A-Za-z_ ]+\\()")
  foreach(line IN LISTS lines)
    math(EXPR functions "${functions} + 1")
    if(NOT line MATCHES "DDI_CALL|^FORCEINLINE") # inline functions cross no boundary
      message("${header}: no DDI_CALL: ${line}")
      math(EXPR failed "${failed} + 1")
    endif()
  endforeach()
  execute_process(
    COMMAND sh -c "printf '#include \"%s\"\\n' '${header}' | '${CC}' -I'${INCLUDE}' -E -P -D_NTDEF_ -D_WDMDDK_ \
-D_NTSTATUS_ -D_D3DKMDDI_H_ -D_DISPMPRT_H_ -D__VIDEO_H__ -D_WDF_H_ -x c -"
    RESULT_VARIABLE status OUTPUT_VARIABLE left)
  string(STRIP "${left}" left)
  if(NOT status EQUAL 0 OR NOT left STREQUAL "")
    message("${header} does not step aside for the WDK: ${left}")
    math(EXPR failed "${failed} + 1")
  endif()
endforeach()
if(failed OR functions LESS 200)
  message(FATAL_ERROR "${failed} failures among ${functions} functions")
endif()
message("${functions} functions")
