# The fuzz targets, each linked three times: TARGET (libFuzzer), TARGET_afl, TARGET_replay.
# GPUP_FUZZ_ENGINE and GPUP_FUZZ_FLAGS stand for LIB_FUZZING_ENGINE and CFLAGS where a fuzzing service sets them.
find_file(GPUP_AFL_RUNTIME afl-compiler-rt.o PATHS /usr/lib/afl /usr/local/lib/afl NO_DEFAULT_PATH)
if(NOT GPUP_FUZZ_ENGINE STREQUAL "-fsanitize=fuzzer")
  enable_language(CXX) # services give a library that is written in C++
  set(linker_language CXX)
else()
  set(linker_language C)
endif()

# Code with a sanitizer runs on the harness's fibers, so the harness tells the sanitizer about them.
get_target_property(os_sources gpup_os SOURCES)
add_library(gpup_fuzz_os STATIC ${os_sources})
target_link_libraries(gpup_fuzz_os PUBLIC gpup_headers)
if(GPUP_FUZZ_FLAGS MATCHES "address")
  target_compile_definitions(gpup_fuzz_os PRIVATE GPUP_ASAN=1)
  # The harness copies unchecked, but for what it copies from and to a driver (gpup_copy_driver).
  add_library(gpup_plain STATIC plain.c)
  set(GPUP_FUZZ_PLAIN -Wl,--wrap=memset -Wl,--wrap=memcpy -Wl,--wrap=memmove)
endif()

# Settings and typed mutator of the targets that run programs.
add_library(gpup_fuzz_settings STATIC settings.c wanted.c images.c typed.c)
target_link_libraries(gpup_fuzz_settings PUBLIC gpup_fuzz gpup_fuzz_prefixes gpup_blocks)

# instrumented_room(NAME ROOM...): the sources of these libraries once more, instrumented.
function(instrumented_room name)
  foreach(room IN LISTS ARGN)
    get_target_property(sources ${room} SOURCES)
    get_target_property(directory ${room} SOURCE_DIR)
    foreach(source IN LISTS sources)
      cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${directory})
      list(APPEND all ${source})
    endforeach()
  endforeach()
  add_library(${name} STATIC ${all})
  target_compile_options(${name} PRIVATE ${GPUP_FUZZ_FLAGS})
  target_link_libraries(${name} PUBLIC gpup_headers gpup_spec)
endfunction()
instrumented_room(gpup_fuzz_rooms gpup_program gpup_program_yaml gpup_trace gpup_judge)
target_link_libraries(gpup_fuzz_rooms PUBLIC PkgConfig::FYAML)
instrumented_room(gpup_fuzz_runner gpup_twin gpup_runner gpup_reports)
target_include_directories(gpup_fuzz_runner PRIVATE ${PROJECT_SOURCE_DIR}/harness/runner ${PROJECT_SOURCE_DIR}/reports)
target_compile_definitions(gpup_fuzz_runner PRIVATE GPUP_VERSION="${PROJECT_VERSION}")
target_link_libraries(gpup_fuzz_runner PUBLIC gpup_world gpup_judge gpup_binding gpup_symbols gpup_scenarios gpup_program_yaml PkgConfig::JANSSON
  PkgConfig::SODIUM PkgConfig::FYAML PkgConfig::ARCHIVE m)

# link_target(EXECUTABLE OBJECTS ROOMS...)
function(fuzz_executable name main objects)
  add_executable(${name} ${main} asan_options.c $<TARGET_OBJECTS:${objects}>)
  target_link_libraries(${name} PRIVATE ${ARGN})
  target_link_options(${name} PRIVATE ${GPUP_FUZZ_LINK} ${GPUP_FUZZ_HOOKS} ${GPUP_FUZZ_SERVICES} ${GPUP_FUZZ_PLAIN})
  if(GPUP_FUZZ_PLAIN)
    target_link_libraries(${name} PRIVATE gpup_plain)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz
    LINKER_LANGUAGE ${linker_language})
endfunction()

# Sanitizer run-times without instrumentation: the implementation brings that.
string(REGEX MATCHALL "-fsanitize=[a-z,-]*" sanitizers "${GPUP_FUZZ_FLAGS}")
string(REPLACE "fuzzer-no-link," "" sanitizers "${sanitizers}")
string(REPLACE ",fuzzer-no-link" "" sanitizers "${sanitizers}")
list(REMOVE_ITEM sanitizers -fsanitize=fuzzer-no-link)
set(GPUP_FUZZ_LINK ${sanitizers})
# What a loaded implementation calls: services, and the hooks of its instrumentation.
set(GPUP_FUZZ_SERVICES -Wl,--dynamic-list=${GPUP_SERVICES_DIR}/services.list)
set(GPUP_FUZZ_HOOKS -Wl,--dynamic-list=${CMAKE_CURRENT_SOURCE_DIR}/hooks.list)

# fuzz_target(NAME ROOMS...)
function(fuzz_target name)
  add_library(${name}_objects OBJECT targets/${name}.c)
  target_include_directories(${name}_objects PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/targets)
  target_link_libraries(${name}_objects PRIVATE ${ARGN})
  fuzz_executable(fuzz_${name} "" ${name}_objects ${ARGN} ${GPUP_FUZZ_ENGINE})
  fuzz_executable(fuzz_${name}_replay "main_replay.c;coverage.c" ${name}_objects ${ARGN})
  if(GPUP_AFL_RUNTIME)
    fuzz_executable(fuzz_${name}_afl "main_afl.c;coverage.c" ${name}_objects ${ARGN} ${GPUP_AFL_RUNTIME})
  endif()
  set(GPUP_FUZZ_TARGETS ${GPUP_FUZZ_TARGETS} ${name} PARENT_SCOPE)
endfunction()

# The device of the second driver's image is the program's.
set(world -Wl,--whole-archive gpup_fuzz_os -Wl,--no-whole-archive -Wl,-u,gpup_second_device_ops gpup_second_device)
foreach(name program call blob packet)
  fuzz_target(${name} gpup_fuzz_settings ${world})
endforeach()
foreach(name yaml binary trace)
  fuzz_target(${name} gpup_fuzz_rooms)
endforeach()
# The loader of driver images.
instrumented_room(gpup_fuzz_image gpup_pe)
target_include_directories(gpup_fuzz_image PUBLIC ${PROJECT_SOURCE_DIR}/harness/binding)
fuzz_target(image gpup_fuzz_image)
if(GPUP_IMAGES) # one with everything the loader looks at
  set(sample_source ${PROJECT_SOURCE_DIR}/tests/binding/image)
  set(sample_library ${CMAKE_CURRENT_BINARY_DIR}/sample_imports.lib)
  add_custom_command(OUTPUT ${sample_library}
    COMMAND ${GPUP_WINDOWS_DLLTOOL} -m i386:x86-64 -d ${sample_source}/sample.def -l ${sample_library}
    DEPENDS ${sample_source}/sample.def VERBATIM)
  gpup_cts_add_image(fuzz-sample SOURCES ${sample_source}/sample.c LIBRARIES ${sample_library}
    EXPORTS middle leaf call_missing sample_writable,DATA __security_cookie,DATA)
  get_target_property(sample_image fuzz-sample-image IMAGE)
  gpup_cts_add_image(fuzz-handlers SOURCES ${sample_source}/seh_frames.c ${sample_source}/seh.c) # tables of handlers
  get_target_property(handlers_image fuzz-handlers-image IMAGE)
  set(copy_image COMMAND ${CMAKE_COMMAND} -E copy ${sample_image} ${CMAKE_BINARY_DIR}/fuzz/seeds/image/sample
    COMMAND ${CMAKE_COMMAND} -E copy ${handlers_image} ${CMAKE_BINARY_DIR}/fuzz/seeds/image/handlers)
endif()
fuzz_target(journal gpup_fuzz_runner ${world})
fuzz_target(package gpup_fuzz_runner ${world})

# gpup-fuzz speed: an execution of programs against one of nothing, in the same loop with the same flags.
add_library(speed_objects OBJECT targets/speed.c)
target_link_libraries(speed_objects PRIVATE gpup_fuzz_settings)
fuzz_executable(fuzz_speed "" speed_objects gpup_fuzz_settings ${world} ${GPUP_FUZZ_ENGINE})
add_library(empty_objects OBJECT targets/empty.c)
target_compile_options(empty_objects PRIVATE ${GPUP_FUZZ_FLAGS})
fuzz_executable(fuzz_empty "" empty_objects ${GPUP_FUZZ_ENGINE})

# Seeds and dictionaries.
set(seeds ${CMAKE_BINARY_DIR}/fuzz/seeds)
add_custom_command(OUTPUT ${seeds}/stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${seeds}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${seeds}/yaml ${seeds}/trace ${seeds}/journal ${seeds}/image
  COMMAND gpup-fuzz-pack -d ${seeds}/program ${scenarios} ${defects} ${prefixes}
  COMMAND gpup-fuzz-pack -d ${seeds}/binary ${scenarios}
  COMMAND gpup-fuzz-pack -p 0 ${seeds}/trace/start ${PROJECT_SOURCE_DIR}/tests/proofs/common/start1.trace
  COMMAND gpup-fuzz-pack -j ${seeds}/journal/small
  COMMAND gpup-fuzz-pack -w binary ${seeds}/binary.dict
  COMMAND gpup-fuzz-pack -w yaml ${seeds}/yaml.dict
  COMMAND ${CMAKE_COMMAND} -E copy ${prefixes} ${seeds}/yaml
  ${copy_image}
  COMMAND ${CMAKE_COMMAND} -E touch ${seeds}/stamp
  DEPENDS gpup-fuzz-pack ${sample_image} ${handlers_image} ${scenarios} ${defects} ${prefixes} VERBATIM COMMENT "Packing the seeds")
add_custom_target(fuzz-seeds ALL DEPENDS ${seeds}/stamp)
