# Compiler flags that every target of the project shares.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # ms_abi, ms_struct and anonymous structures are extensions
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

option(GPUP_SANITIZE "build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(GPUP_COVERAGE "build for lcov" OFF)
option(GPUP_FUZZ "build the fuzz targets, and instrumented implementations beside the others (clang)" OFF)
set(GPUP_FUZZ_FLAGS "-fsanitize=fuzzer-no-link,address,undefined;-fno-sanitize-recover=undefined" CACHE STRING
  "how what is fuzzed is instrumented")
set(GPUP_FUZZ_ENGINE "-fsanitize=fuzzer" CACHE STRING "what the libFuzzer targets are linked with")

add_compile_options(-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -Wincompatible-pointer-types -Wvla -Wundef -fno-omit-frame-pointer)
add_compile_definitions(_GNU_SOURCE)
if(GPUP_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()
if(GPUP_COVERAGE)
  # Once for all: forked workers count too, and add to the files under a lock.
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -fPIC -c ${CMAKE_SOURCE_DIR}/cmake/coverage_exit.c -o ${CMAKE_BINARY_DIR}/coverage_exit.o
    COMMAND_ERROR_IS_FATAL ANY)
  add_link_options(${CMAKE_BINARY_DIR}/coverage_exit.o -Wl,--wrap=_exit)
endif()
