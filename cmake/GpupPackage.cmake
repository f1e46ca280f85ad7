# Debian packages: `cpack -G DEB` in a build directory. gpup-cts from an ordinary build, gpup-cts-fuzz from one with
# GPUP_FUZZ. dpkg-shlibdeps finds the libraries that are needed.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gpup-cts)
set(CPACK_PACKAGE_VENDOR "The gpup-cts authors")
set(CPACK_PACKAGE_CONTACT "The gpup-cts authors <gpup-cts@packages.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENTS_ALL main)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)

set(CPACK_DEBIAN_MAIN_PACKAGE_NAME gpup-cts)
set(CPACK_COMPONENT_MAIN_DESCRIPTION "conformance suite for Windows GPU partitioning drivers
Runs a kernel-mode display driver, a simulator or a device model that
implements the GPU-P driver interfaces (DxgkDdi functions for SR-IOV, MSI-X
and live migration), records what happens and judges it rule by rule.
With the headers, CMake and pkg-config files to build one against.")
set(CPACK_DEBIAN_MAIN_PACKAGE_RECOMMENDS "gcc | clang, libc6-dev")
set(CPACK_DEBIAN_MAIN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/deb/triggers)
set(CPACK_DEBIAN_MAIN_PACKAGE_SUGGESTS "gpup-cts-fuzz, cmake, pkg-config, libcmocka-dev, lcov")

if(GPUP_FUZZ)
  set(CPACK_COMPONENTS_ALL fuzz)
  set(CPACK_DEBIAN_FUZZ_PACKAGE_NAME gpup-cts-fuzz)
  set(CPACK_COMPONENT_FUZZ_DESCRIPTION "fuzz targets of the suite for GPU partitioning drivers
Campaigns with libFuzzer and AFL++ against an implementation of the GPU-P
driver interfaces that was built with gpup_cts_add_implementation().")
  set(CPACK_DEBIAN_FUZZ_PACKAGE_DEPENDS "gpup-cts (= ${PROJECT_VERSION}-1)")
  set(CPACK_DEBIAN_FUZZ_PACKAGE_RECOMMENDS "clang-14, libclang-rt-14-dev")
  set(CPACK_DEBIAN_FUZZ_PACKAGE_SUGGESTS "afl++")
endif()
include(CPack)
