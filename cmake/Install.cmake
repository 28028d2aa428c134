# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` installs: libraries, public headers, the command, and
# what find_package and pkg-config read.
include(CMakePackageConfigHelpers)

set(targets zeroulp zeroulp_headers)
if(ZEROULP_BUILD_TOOLS)
  list(APPEND targets zeroulp_io)
  install(TARGETS zeroulp_cli)
endif()
set_target_properties(zeroulp_headers PROPERTIES EXPORT_NAME headers)
install(TARGETS ${targets} EXPORT zeroulpTargets)
install(DIRECTORY include/zeroulp TYPE INCLUDE
  FILES_MATCHING PATTERN *.h PATTERN internal EXCLUDE)

# A static library brings what it links to its users; a shared one has it.
get_target_property(type zeroulp TYPE)
if(type STREQUAL "STATIC_LIBRARY")
  set(find_dependencies
    "find_dependency(hwy)\nfind_dependency(TBB)\nfind_dependency(fmt)")
  set(requires "Requires: libhwy tbb fmt")
endif()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/zeroulp)
install(EXPORT zeroulpTargets NAMESPACE zeroulp:: DESTINATION ${package})
configure_package_config_file(cmake/zeroulpConfig.cmake.in
  ${PROJECT_BINARY_DIR}/zeroulpConfig.cmake INSTALL_DESTINATION ${package})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/zeroulpConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/zeroulpConfig.cmake
  ${PROJECT_BINARY_DIR}/zeroulpConfigVersion.cmake
  DESTINATION ${package})

# Relative to the file itself, so that an installed tree can be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
  BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE up)
configure_file(cmake/zeroulp.pc.in zeroulp.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/zeroulp.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
