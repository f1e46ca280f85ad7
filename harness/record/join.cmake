# Joins the parts of the recorder and its tables to one C file: -DPARTS=...;... -DTABLES=program -DOUT=file
execute_process(COMMAND ${TABLES} constants OUTPUT_VARIABLE constants COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${TABLES} rows OUTPUT_VARIABLE rows COMMAND_ERROR_IS_FATAL ANY)
string(CONCAT text
  "/* gpup_recorder.c: made by gpup-cts of harness/record and of the tables of its specification; see gpup_recorder.h. */\n"
  "#include \"gpup_recorder.h\"\n\n/* --- tables of the specification */\n${constants}")
foreach(part ${PARTS})
  get_filename_component(name ${part} NAME)
  file(READ ${part} content)
  string(REGEX REPLACE "#include [<\"](record\\.h|gpup/recorder\\.h|string\\.h)[>\"]\n" "" content "${content}")
  string(APPEND text "\n/* --- ${name} */\n${content}")
endforeach()
string(REPLACE "/* ROWS */" "${rows}" text "${text}")
file(WRITE ${OUT} "${text}")
