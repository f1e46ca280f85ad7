# gpup_cts_add_implementation(NAME [STATIC] [COMPLETE] SOURCES file... [DEFINITIONS d...] [INCLUDES dir...])
#
# Builds an implementation of the DDIs and gives it a conformance test.
# With GPUP_FUZZ also NAME.fuzz.so, instrumented for fuzzers: `./cts fuzz`, or build/fuzz/fuzz/fuzz_program with
# GPUP_FUZZ_IMPL.
# Where the package gpup-cts-fuzz is installed, the test NAME.fuzz is a short campaign.
# The target NAME.coverage, which nothing else builds, compiles NAME.counted.so with --coverage and writes which lines,
# functions and branches of it the programs reach to NAME-coverage/coverage in the build directory.
#   default: a shared object NAME.so, and the test NAME.conformance that runs the suite on it. It passes when nothing
#            failed, and says so when a required rule was not judged (exit status 4 of the tool)
#   COMPLETE: then it fails: every required rule is to be judged
#   STATIC:  an object for linking into the tool: its code and writable data stand in sections of its own
#            (gpup_impl_NAME_text, _data, _bss); the suite saves and swaps the data. Its symbols are local, and
#            gpup_implementation is renamed to gpup_implementation_NAME
include_guard(GLOBAL)

option(GPUP_FUZZ "build an instrumented implementation beside each, NAME.fuzz.so (clang)" OFF)
if(NOT DEFINED GPUP_FUZZ_FLAGS)
  set(GPUP_FUZZ_FLAGS -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
endif()
if(GPUP_FUZZ AND NOT CMAKE_C_COMPILER_ID STREQUAL "Clang" AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "GPUP_FUZZ: expected clang, found ${CMAKE_C_COMPILER}; configure with -DCMAKE_C_COMPILER=clang-14")
endif()

# Beside this file when it is installed. Kept for a project that calls find_package() in one folder and the function in another.
set(_gpup_scripts ${CMAKE_CURRENT_LIST_DIR})
set(_gpup_corpus ${CMAKE_CURRENT_LIST_DIR}/corpus)
if(NOT EXISTS ${_gpup_scripts}/coverage.sh)
  set(_gpup_scripts ${CMAKE_CURRENT_LIST_DIR}/../tool)
  set(_gpup_corpus ${CMAKE_CURRENT_LIST_DIR}/../corpus)
endif()
set(GPUP_CONFORMANCE_SCRIPT ${_gpup_scripts}/conformance.sh CACHE INTERNAL "runs the suite as a test")
set(GPUP_COVERAGE_SCRIPT ${_gpup_scripts}/coverage.sh CACHE INTERNAL "counts what programs reach")
set(GPUP_CORPUS ${_gpup_corpus} CACHE INTERNAL "programs that coverage adds to the scenarios")

function(gpup_cts_add_implementation name)
  cmake_parse_arguments(arg "STATIC;COMPLETE" "" "SOURCES;DEFINITIONS;INCLUDES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "gpup_cts_add_implementation(${name}): expected [STATIC] [COMPLETE] SOURCES file... "
      "[DEFINITIONS d...] [INCLUDES dir...], found '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(arg_STATIC)
    _gpup_static_implementation(${name})
  else()
    _gpup_shared_implementation(${name})
  endif()
  _gpup_fuzz_implementation(${name})
  _gpup_coverage_implementation(${name})
endfunction()

macro(_gpup_implementation_properties target)
  target_link_libraries(${target} PRIVATE gpup-cts::headers)
  target_compile_definitions(${target} PRIVATE ${arg_DEFINITIONS})
  target_include_directories(${target} PRIVATE ${arg_INCLUDES})
  target_compile_options(${target} PRIVATE -fno-omit-frame-pointer -fno-common)
endmacro()

macro(_gpup_shared_implementation name)
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET default CXX_VISIBILITY_PRESET default)
  target_link_options(${name} PRIVATE -Wl,-Bsymbolic) # its own names are its own
  _gpup_implementation_properties(${name})
  if(TARGET gpup-cts::gpup-cts)
    set(asked any)
    if(arg_COMPLETE)
      set(asked complete)
    endif()
    add_test(NAME ${name}.conformance
      COMMAND sh ${GPUP_CONFORMANCE_SCRIPT} ${asked} $<TARGET_FILE:gpup-cts::gpup-cts> run $<TARGET_FILE:${name}>
        --out ${CMAKE_CURRENT_BINARY_DIR}/${name}-results)
  endif()
endmacro()

# NAME.fuzz.so: the same, instrumented for fuzzers.
macro(_gpup_fuzz_implementation name)
  if(GPUP_FUZZ)
    add_library(${name}.fuzz MODULE ${arg_SOURCES})
    set_target_properties(${name}.fuzz PROPERTIES PREFIX "" C_VISIBILITY_PRESET default CXX_VISIBILITY_PRESET default
      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    _gpup_implementation_properties(${name}.fuzz)
    # What these two checks call in C++ is in a run-time library of C++, which the fuzzers, being C, do not have.
    target_compile_options(${name}.fuzz PRIVATE ${GPUP_FUZZ_FLAGS} $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=function,vptr>)
    target_link_options(${name}.fuzz PRIVATE -Wl,-Bsymbolic)
    if(TARGET gpup-cts::gpup-fuzz)
      # Anew each time: what was found once and is not repaired fails again.
      add_test(NAME ${name}.fuzz COMMAND sh -c "rm -rf \"$2\" && exec \"$0\" \"$1\" --runs 5000 --seed 1 --jobs 1 --out \"$2\""
        $<TARGET_FILE:gpup-cts::gpup-fuzz> $<TARGET_FILE:${name}.fuzz> ${CMAKE_CURRENT_BINARY_DIR}/${name}-fuzz)
    endif()
  endif()
endmacro()

# NAME.counted.so: the same, not optimised and counted by gcov.
macro(_gpup_coverage_implementation name)
  add_library(${name}.counted MODULE EXCLUDE_FROM_ALL ${arg_SOURCES})
  set_target_properties(${name}.counted PROPERTIES PREFIX "" C_VISIBILITY_PRESET default CXX_VISIBILITY_PRESET default)
  _gpup_implementation_properties(${name}.counted)
  target_compile_options(${name}.counted PRIVATE --coverage -O0 -g)
  target_link_options(${name}.counted PRIVATE --coverage -Wl,-Bsymbolic)
  if(TARGET gpup-cts::gpup-cts OR PROJECT_NAME STREQUAL "gpup-cts") # where the tool comes later
    add_custom_target(${name}.coverage
      COMMAND bash ${GPUP_COVERAGE_SCRIPT} --tool $<TARGET_FILE:gpup-cts::gpup-cts> --corpus ${GPUP_CORPUS}
        --out ${CMAKE_CURRENT_BINARY_DIR}/${name}-coverage $<TARGET_FILE:${name}.counted>
      USES_TERMINAL VERBATIM COMMENT "What the programs reach of ${name}")
    add_dependencies(${name}.coverage ${name}.counted)
  endif()
endmacro()

macro(_gpup_static_implementation name)
  add_library(gpup_impl_${name}_objects OBJECT ${arg_SOURCES})
  _gpup_implementation_properties(gpup_impl_${name}_objects)
  set(_dir ${CMAKE_CURRENT_BINARY_DIR})
  file(CONFIGURE OUTPUT ${_dir}/gpup_impl_${name}.ld @ONLY CONTENT
"SECTIONS
{
  gpup_impl_@name@_text : { *(.text .text.*) }
  gpup_impl_@name@_data : { *(.data .data.local .data.rel .data.rel.local) }
  gpup_impl_@name@_bss : { *(.bss .bss.*) *(COMMON) }
}
")
  add_custom_command(OUTPUT ${_dir}/gpup_impl_${name}.o
    COMMAND ${CMAKE_LINKER} -r -T ${_dir}/gpup_impl_${name}.ld -o ${_dir}/gpup_impl_${name}.tmp.o
      $<TARGET_OBJECTS:gpup_impl_${name}_objects>
    COMMAND ${CMAKE_OBJCOPY} --redefine-sym gpup_implementation=gpup_implementation_${name}
      --keep-global-symbol=gpup_implementation --keep-global-symbol=gpup_implementation_${name}
      ${_dir}/gpup_impl_${name}.tmp.o ${_dir}/gpup_impl_${name}.o
    DEPENDS gpup_impl_${name}_objects $<TARGET_OBJECTS:gpup_impl_${name}_objects>
    COMMAND_EXPAND_LISTS VERBATIM COMMENT "Gathering the writable data of ${name}")
  add_library(gpup_impl_${name} STATIC ${_dir}/gpup_impl_${name}.o)
  set_source_files_properties(${_dir}/gpup_impl_${name}.o PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  set_target_properties(gpup_impl_${name} PROPERTIES LINKER_LANGUAGE C)
endmacro()
