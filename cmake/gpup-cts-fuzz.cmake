# gpup-cts::gpup-fuzz, where the fuzz targets are installed too.
get_filename_component(_gpup_lib ${CMAKE_CURRENT_LIST_DIR}/../../gpup-cts ABSOLUTE)
if(NOT TARGET gpup-cts::gpup-fuzz)
  add_executable(gpup-cts::gpup-fuzz IMPORTED)
  set_target_properties(gpup-cts::gpup-fuzz PROPERTIES IMPORTED_LOCATION ${_gpup_lib}/fuzz/gpup-fuzz)
endif()
