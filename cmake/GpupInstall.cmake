# What is installed, and the target that `cts` builds: the tool and what it needs beside it. All of it is the component
# `main`, but for what a build with GPUP_FUZZ adds: `fuzz`.
#   bin/gpup-cts                      the tool
#   include/gpup-cts/{ddi,gpup}       what an implementation and an emitted test include
#   lib/libgpup-repro.{so,a}          what an emitted test links
#   lib/gpup-cts                      the reference driver with seeded faults; fuzz/: the fuzz targets and gpup-fuzz
#   lib/cmake/gpup-cts, lib/pkgconfig
#   share/doc/gpup-cts, share/man
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_custom_target(gpup-product ALL DEPENDS gpup-cts gpup-repro gpup-repro-static)
if(TARGET gpup-import-libraries) # what driver images are linked with
  add_dependencies(gpup-product gpup-import-libraries)
  get_target_property(GPUP_IMPORT_LIBRARIES gpup-import-libraries LIBRARIES)
  install(FILES ${GPUP_IMPORT_LIBRARIES} DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/gpup-cts/windows)
endif()
if(TARGET reference-defects)
  add_dependencies(gpup-product reference-defects)
  # Not LIBDIR: the tool looks in ../lib/gpup-cts from where it stands.
  install(TARGETS reference-defects LIBRARY DESTINATION lib/gpup-cts)
endif()

set(GPUP_INSTALL_HEADERS ${CMAKE_INSTALL_INCLUDEDIR}/gpup-cts)
set(GPUP_INSTALL_CMAKE ${CMAKE_INSTALL_LIBDIR}/cmake/gpup-cts)
set(GPUP_INSTALL_DOC ${CMAKE_INSTALL_DATAROOTDIR}/doc/gpup-cts)

# What an implementation needs: implementation.h with all it includes, and the register map of the bundled device.
# tests/abi/public_headers.cmake compiles each of them alone.
set(GPUP_PUBLIC_HEADERS implementation.h device.h framework.h program.h trace.h repro.h ops.def events.def)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/harness/include/ddi DESTINATION ${GPUP_INSTALL_HEADERS} FILES_MATCHING PATTERN *.h)
foreach(header IN LISTS GPUP_PUBLIC_HEADERS)
  install(FILES ${PROJECT_SOURCE_DIR}/harness/include/gpup/${header} DESTINATION ${GPUP_INSTALL_HEADERS}/gpup)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/harness/device/registers.h DESTINATION ${GPUP_INSTALL_HEADERS}/gpup)

set_target_properties(gpup_headers PROPERTIES EXPORT_NAME headers)
install(TARGETS gpup-cts gpup_headers EXPORT gpup-cts-targets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS gpup-repro EXPORT gpup-cts-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${GPUP_REPRO_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT gpup-cts-targets NAMESPACE gpup-cts:: DESTINATION ${GPUP_INSTALL_CMAKE})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/gpup-cts-config.cmake.in gpup-cts-config.cmake
  INSTALL_DESTINATION ${GPUP_INSTALL_CMAKE} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(gpup-cts-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gpup-cts-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/gpup-cts-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/GpupImplementation.cmake ${PROJECT_SOURCE_DIR}/cmake/GpupImage.cmake ${PROJECT_SOURCE_DIR}/cmake/image_counters.c
  ${PROJECT_SOURCE_DIR}/reports/results.schema.json
  DESTINATION ${GPUP_INSTALL_CMAKE})
# What the targets NAME.coverage and the tests NAME.conformance need.
install(PROGRAMS ${PROJECT_SOURCE_DIR}/tool/coverage.sh ${PROJECT_SOURCE_DIR}/tool/conformance.sh DESTINATION ${GPUP_INSTALL_CMAKE})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/corpus DESTINATION ${GPUP_INSTALL_CMAKE})

# pkg-config finds its prefix from where the file lies, so that a prefix can be moved.
file(RELATIVE_PATH GPUP_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(name gpup-cts gpup-repro)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

# Documents, compressed as Debian wants them.
find_program(GPUP_GZIP gzip REQUIRED)
configure_file(cmake/deb/changelog.Debian.in changelog.Debian @ONLY)
foreach(pair "docs/gpup-cts.1|gpup-cts.1.gz" "CHANGELOG.md|changelog.gz"
    "${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian|changelog.Debian.gz")
  string(REPLACE "|" ";" pair ${pair})
  list(GET pair 0 from)
  cmake_path(ABSOLUTE_PATH from BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
  list(GET pair 1 to)
  add_custom_command(OUTPUT ${to} DEPENDS ${from} VERBATIM
    COMMAND sh -c "'${GPUP_GZIP}' -9nc '${from}' >${to}")
  list(APPEND GPUP_ZIPPED ${CMAKE_CURRENT_BINARY_DIR}/${to})
endforeach()
add_custom_target(gpup-documents DEPENDS ${GPUP_ZIPPED})
add_dependencies(gpup-product gpup-documents)
if(TARGET gpup_recorder)
  add_dependencies(gpup-product gpup_recorder)
endif()
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gpup-cts.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz ${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian.gz
  docs/porting.md DESTINATION ${GPUP_INSTALL_DOC})
install(FILES LICENSE DESTINATION ${GPUP_INSTALL_DOC} RENAME copyright)
install(FILES cmake/deb/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/lintian/overrides RENAME gpup-cts)
install(DIRECTORY examples/vendor DESTINATION ${GPUP_INSTALL_DOC}/examples)

if(GPUP_FUZZ)
  set(tools gpup-fuzz fuzz_speed fuzz_empty gpup-afl-mutator)
  foreach(target IN LISTS GPUP_FUZZ_TARGETS)
    foreach(name fuzz_${target} fuzz_${target}_replay fuzz_${target}_afl)
      if(TARGET ${name})
        list(APPEND tools ${name})
      endif()
    endforeach()
  endforeach()
  install(TARGETS ${tools} RUNTIME DESTINATION lib/gpup-cts/fuzz COMPONENT fuzz
    LIBRARY DESTINATION lib/gpup-cts/fuzz COMPONENT fuzz)
  install(DIRECTORY ${CMAKE_BINARY_DIR}/fuzz/seeds DESTINATION lib/gpup-cts/fuzz COMPONENT fuzz)
  install(FILES cmake/gpup-cts-fuzz.cmake DESTINATION ${GPUP_INSTALL_CMAKE} COMPONENT fuzz)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/gpup-cts-fuzz RENAME copyright COMPONENT fuzz)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian.gz DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/gpup-cts-fuzz COMPONENT fuzz)
endif()
