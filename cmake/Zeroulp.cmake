# SPDX-License-Identifier: Apache-2.0
# How zeroulp's targets are made: the only place where flags are set.

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
  endif()
  find_program(CCACHE ccache)
  if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  endif()
endif()

# Sets `out` to the sources of a folder. Globbed, not listed: each folder is
# one target, so a list could only repeat the folder or be wrong.
function(zeroulp_glob out folder)
  file(GLOB sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/${folder}/*.cc ${PROJECT_SOURCE_DIR}/${folder}/*.h)
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# Flags of every target. No -march: Highway chooses the instructions at run
# time. No -ffast-math and no contraction: a*b+c in the source is two roundings,
# whatever the compiler thinks of it. Release is CMake's own -O3. All PRIVATE:
# a consumer's files are compiled as the consumer says.
function(zeroulp_flags target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off;-Wall;-Wextra;-Wconversion>"
    "$<$<COMPILE_LANGUAGE:CXX>:-Wshadow>"
    # GCC 12 takes its own AVX-512 headers for uses of unset vectors.
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>
    $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>
    $<$<BOOL:${ZEROULP_WARNINGS_AS_ERRORS}>:$<$<COMPILE_LANGUAGE:CXX>:-Werror>>)
endfunction()

# A room: the objects of one folder, to become part of the library.
function(zeroulp_room name)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  zeroulp_glob(sources ${name})
  add_library(zeroulp_${name} OBJECT ${sources})
  zeroulp_flags(zeroulp_${name})
  # Position independent even in the static library: it ends up in Python
  # modules and other people's shared libraries.
  set_target_properties(zeroulp_${name} PROPERTIES
    POSITION_INDEPENDENT_CODE ON LINKER_LANGUAGE CXX)
  target_link_libraries(zeroulp_${name} PRIVATE zeroulp_headers ${arg_LINKS})
endfunction()

# Makes `library` of the objects of the named rooms and what they link.
function(zeroulp_add_rooms library)
  foreach(room IN LISTS ARGN)
    target_sources(${library} PRIVATE $<TARGET_OBJECTS:zeroulp_${room}>)
    get_target_property(links zeroulp_${room} LINK_LIBRARIES)
    list(REMOVE_ITEM links zeroulp_headers)
    list(APPEND all_links ${links})
  endforeach()
  list(REMOVE_DUPLICATES all_links)
  target_link_libraries(${library} PRIVATE ${all_links})
endfunction()

# A library to link and to install: target `name`, alias zeroulp::name.
function(zeroulp_library name)
  add_library(${name} ${ARGN})
  string(REGEX REPLACE "^zeroulp_" "" short ${name})
  add_library(zeroulp::${short} ALIAS ${name})
  zeroulp_flags(${name})
  set_target_properties(${name} PROPERTIES
    EXPORT_NAME ${short} POSITION_INDEPENDENT_CODE ON LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
endfunction()

function(zeroulp_executable name)
  add_executable(${name} ${ARGN})
  zeroulp_flags(${name})
endfunction()

# Lets `target` include "bench/git_hash.h", which defines kGitHash. Asked of git
# at every build, so that a benchmark never carries the name of another commit;
# the file is rewritten, and `target` rebuilt, only when the answer changes.
function(zeroulp_git_hash target)
  set(dir ${PROJECT_BINARY_DIR}/generated)
  set(header ${dir}/bench/git_hash.h)
  add_custom_target(zeroulp_git_hash
    COMMAND ${CMAKE_COMMAND} -DOUT=${header}
      -P ${PROJECT_SOURCE_DIR}/cmake/git_hash.cmake
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    BYPRODUCTS ${header})
  add_dependencies(${target} zeroulp_git_hash)
  target_include_directories(${target} PRIVATE ${dir})
endfunction()

# A GoogleTest binary. A file X_slow_test.cc carries the ctest label "slow".
function(zeroulp_test name source)
  zeroulp_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE zeroulp_record zeroulp_io hwy::hwy fmt::fmt
    nlohmann_json::nlohmann_json GTest::gmock GTest::gtest_main)
  set(command ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:zeroulp_cli>)
  list(JOIN command " " command)
  target_compile_definitions(${name} PRIVATE
    ZEROULP_CLI="${command}"
    ZEROULP_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    ZEROULP_SHARED_DIR="${ZEROULP_SHARED_DIR}")
  string(REGEX REPLACE "_test$" "" short ${name})
  set(properties)
  if(name MATCHES "_slow_test$")
    set(properties PROPERTIES LABELS slow)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX ${short}.
    ${properties})
endfunction()
