# gpup-fuzz: the campaigns. It loads instrumented implementations itself, to shrink and to write pages.
add_executable(gpup-fuzz campaign/main.c campaign/campaign.c campaign/crash.c campaign/detect.c campaign/detect_group.c campaign/detect_run.c campaign/detect_table.c campaign/files.c campaign/finding.c campaign/images.c campaign/known.c campaign/load.c campaign/page.c
  campaign/picture.c campaign/regression.c campaign/shrink.c campaign/speed.c campaign/state.c campaign/summary.c campaign/svg.c campaign/triage.c campaign/worker.c coverage.c)
target_include_directories(gpup-fuzz PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(gpup-fuzz PRIVATE gpup_fuzz gpup_repro gpup_symbols gpup_program_yaml ${world} m)
target_link_options(gpup-fuzz PRIVATE ${GPUP_FUZZ_LINK} ${GPUP_FUZZ_HOOKS} ${GPUP_FUZZ_SERVICES})
set_target_properties(gpup-fuzz PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
add_dependencies(gpup-fuzz fuzz-seeds gpup-afl-mutator fuzz_speed fuzz_empty)
foreach(name IN LISTS GPUP_FUZZ_TARGETS)
  add_dependencies(gpup-fuzz fuzz_${name} fuzz_${name}_replay)
  if(TARGET fuzz_${name}_afl)
    add_dependencies(gpup-fuzz fuzz_${name}_afl)
  endif()
endforeach()

# What `cts` builds.
add_custom_target(gpup-fuzz-product DEPENDS gpup-fuzz reference.fuzz reference-defects.fuzz
  framework.fuzz faulty_framework.fuzz)
if(TARGET second.fuzz)
  add_dependencies(gpup-fuzz-product second.fuzz)
endif()
if(GPUP_IMAGES)
  add_dependencies(gpup-fuzz-product reference.fuzz-image reference-image reference-defects-image)
endif()
