# What is installed, and the target that `cts` builds: the tool and what it needs beside it.
#   bin/gpup-cts  lib/libgpup-repro.so  lib/gpup-cts/reference-defects.so  include/gpup-cts/{ddi,gpup}  lib/cmake/gpup-cts
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_custom_target(gpup-product DEPENDS gpup-cts gpup-repro)
if(TARGET reference-defects)
  add_dependencies(gpup-product reference-defects)
  # Not LIBDIR: the tool looks in ../lib/gpup-cts from where it stands.
  install(TARGETS reference-defects LIBRARY DESTINATION lib/gpup-cts)
endif()

set(GPUP_INSTALL_HEADERS ${CMAKE_INSTALL_INCLUDEDIR}/gpup-cts)
set(GPUP_INSTALL_CMAKE ${CMAKE_INSTALL_LIBDIR}/cmake/gpup-cts)

# What an implementation needs: implementation.h with all it includes, and the register map of the bundled device.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/harness/include/ddi DESTINATION ${GPUP_INSTALL_HEADERS} FILES_MATCHING PATTERN *.h)
foreach(header implementation.h device.h gpu.h program.h trace.h repro.h ops.def events.def)
  install(FILES ${PROJECT_SOURCE_DIR}/harness/include/gpup/${header} DESTINATION ${GPUP_INSTALL_HEADERS}/gpup)
endforeach()

set_target_properties(gpup_headers PROPERTIES EXPORT_NAME headers)
install(TARGETS gpup-cts gpup_headers EXPORT gpup-cts-targets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS gpup-repro LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT gpup-cts-targets NAMESPACE gpup-cts:: DESTINATION ${GPUP_INSTALL_CMAKE})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/gpup-cts-config.cmake.in gpup-cts-config.cmake
  INSTALL_DESTINATION ${GPUP_INSTALL_CMAKE} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(gpup-cts-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gpup-cts-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/gpup-cts-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/GpupImplementation.cmake ${PROJECT_SOURCE_DIR}/reports/results.schema.json
  DESTINATION ${GPUP_INSTALL_CMAKE})
# What the target NAME.coverage needs.
install(PROGRAMS ${PROJECT_SOURCE_DIR}/tool/coverage.sh DESTINATION ${GPUP_INSTALL_CMAKE})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/corpus DESTINATION ${GPUP_INSTALL_CMAKE})
