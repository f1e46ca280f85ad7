# gpup_cts_add_image(NAME SOURCES file... [DEFINITIONS d...] [INCLUDES dir...] [OPTIONS o...] [LINK_OPTIONS o...] [EXPORTS name...]
#   [LIBRARIES file...])
#
# Builds sources in C or C++ for the Windows target, with clang and LLVM's linker, into the driver image NAME.sys; the target NAME-image
# makes it. Services are imported through the suite's import libraries: ntoskrnl, hal, vmbkmcl, wdfldr, displib (in the place of
# the WDK's, whose DxgkInitialize asks Dxgkrnl by IOCTL), and gpup-cts for what else an image links.
# With GPUP_FUZZ also NAME.fuzz.sys, with counters for fuzzers, in the folder of NAME.fuzz.so; the target NAME.fuzz-image makes it.
include_guard(GLOBAL)

find_program(GPUP_WINDOWS_CLANG NAMES clang-14 clang DOC "clang that can target Windows")
find_program(GPUP_WINDOWS_LINK NAMES lld-link-14 lld-link DOC "LLVM's linker for the Windows target")
find_program(GPUP_WINDOWS_DLLTOOL NAMES llvm-dlltool-14 llvm-dlltool DOC "makes import libraries of definition files")
set(GPUP_IMAGE_LIBRARIES ${CMAKE_CURRENT_LIST_DIR}/windows)
set(GPUP_IMAGES OFF)
if(GPUP_WINDOWS_CLANG AND GPUP_WINDOWS_LINK AND GPUP_WINDOWS_DLLTOOL)
  set(GPUP_IMAGES ON)
endif()

# gpup_import_libraries(DIRECTORY): NAME.lib of each NAME.def there.
function(gpup_import_libraries directory)
  foreach(pair ntoskrnl:ntoskrnl hal:hal vmbkmcl:vmbkmcl wdfldr:wdfldr dxgkrnl:displib gpup-cts:gpup-cts)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 definition)
    list(GET pair 1 library)
    add_custom_command(OUTPUT ${directory}/${library}.lib
      COMMAND ${GPUP_WINDOWS_DLLTOOL} -m i386:x86-64 -d ${directory}/${definition}.def -l ${directory}/${library}.lib
      DEPENDS ${directory}/${definition}.def VERBATIM COMMENT "Import library ${library}.lib")
    list(APPEND libraries ${directory}/${library}.lib)
  endforeach()
  add_custom_target(gpup-import-libraries ALL DEPENDS ${libraries})
  set_target_properties(gpup-import-libraries PROPERTIES LIBRARIES "${libraries}")
endfunction()

# The sources once more with counters, and what their sections need (image_counters.c).
set(GPUP_IMAGE_COUNTERS ${CMAKE_CURRENT_LIST_DIR}/image_counters.c)
function(_gpup_fuzz_image name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEFINITIONS;INCLUDES;OPTIONS;LINK_OPTIONS;EXPORTS;LIBRARIES" ${ARGN})
  if(GPUP_FUZZ)
    gpup_cts_add_image(${name}.fuzz IMAGE_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz SOURCES ${arg_SOURCES} ${GPUP_IMAGE_COUNTERS}
      DEFINITIONS ${arg_DEFINITIONS} INCLUDES ${arg_INCLUDES} OPTIONS ${arg_OPTIONS} -fsanitize-coverage=inline-8bit-counters,pc-table
      LINK_OPTIONS ${arg_LINK_OPTIONS} EXPORTS ${arg_EXPORTS} LIBRARIES ${arg_LIBRARIES})
  endif()
endfunction()

function(gpup_cts_add_image name)
  cmake_parse_arguments(arg "" "IMAGE_DIRECTORY" "SOURCES;DEFINITIONS;INCLUDES;OPTIONS;LINK_OPTIONS;EXPORTS;LIBRARIES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "gpup_cts_add_image(${name}): expected SOURCES file... [DEFINITIONS d...] [INCLUDES dir...] "
      "[OPTIONS o...] [LINK_OPTIONS o...] [EXPORTS name...] [LIBRARIES file...], found '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT GPUP_IMAGES)
    message(FATAL_ERROR "gpup_cts_add_image(${name}): needs clang, lld-link and llvm-dlltool (Debian: clang-14 lld-14 llvm-14)")
  endif()
  if(NOT arg_IMAGE_DIRECTORY)
    set(arg_IMAGE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    _gpup_fuzz_image(${name} ${ARGN})
  endif()
  set(directory ${CMAKE_CURRENT_BINARY_DIR}/${name}.objects)
  file(MAKE_DIRECTORY ${directory})
  list(TRANSFORM arg_DEFINITIONS PREPEND -D)
  list(TRANSFORM arg_INCLUDES PREPEND -I)
  list(TRANSFORM arg_EXPORTS PREPEND /export:)
  set(strict -Wall -Wno-unknown-pragmas -Wno-multichar -Wno-four-char-constants) # as drivers for the WDK are written
  if(TARGET gpup-import-libraries)
    set(strict -Wall -Wextra -Werror)
  endif()
  get_target_property(headers gpup-cts::headers INTERFACE_INCLUDE_DIRECTORIES)
  foreach(source IN LISTS arg_SOURCES)
    cmake_path(ABSOLUTE_PATH source)
    cmake_path(GET source STEM stem)
    cmake_path(GET source EXTENSION LAST_ONLY kind)
    set(language -std=gnu11)
    if(NOT kind STREQUAL ".c") # as the WDK builds drivers in C++: without exceptions of the language and run-time types
      set(language -x c++ -std=gnu++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics)
    endif()
    set(object ${directory}/${stem}.obj)
    add_custom_command(OUTPUT ${object}
      COMMAND ${GPUP_WINDOWS_CLANG} --target=x86_64-pc-windows-msvc ${language} -ffreestanding -nostdlibinc -O2 -fasynchronous-unwind-tables
        ${strict} "-I$<JOIN:${headers},;-I>" ${arg_INCLUDES} ${arg_DEFINITIONS} ${arg_OPTIONS}
        -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d COMMAND_EXPAND_LISTS VERBATIM COMMENT "Building ${stem}.obj of ${name}.sys")
    list(APPEND objects ${object})
  endforeach()
  if(TARGET gpup-import-libraries)
    get_target_property(libraries gpup-import-libraries LIBRARIES)
  else() # installed
    file(GLOB libraries ${GPUP_IMAGE_LIBRARIES}/*.lib)
  endif()
  set(image ${arg_IMAGE_DIRECTORY}/${name}.sys)
  add_custom_command(OUTPUT ${image}
    COMMAND ${GPUP_WINDOWS_LINK} /nologo /driver /subsystem:native /dll /entry:DriverEntry /nodefaultlib /dynamicbase
      /brepro /implib:${directory}/${name}.lib ${arg_EXPORTS} ${arg_LINK_OPTIONS} /out:${image} ${objects} ${arg_LIBRARIES} ${libraries}
    DEPENDS ${objects} ${arg_LIBRARIES} ${libraries} VERBATIM COMMENT "Linking ${name}.sys")
  add_custom_target(${name}-image ALL DEPENDS ${image})
  if(TARGET gpup-import-libraries)
    add_dependencies(${name}-image gpup-import-libraries)
  endif()
  set_target_properties(${name}-image PROPERTIES IMAGE ${image})
endfunction()
