# SPDX-License-Identifier: Apache-2.0
# Every dependency: the package looked for and, with ZEROULP_FETCH_DEPS, the tag
# that is downloaded and built where the package is not installed.
include(FetchContent)

# zeroulp_dependency(package version repository tag [options to switch off])
function(zeroulp_dependency name version repository tag)
  # GLOBAL: a parent project links the library, and so what it links.
  if(NOT ZEROULP_FETCH_DEPS)
    find_package(${name} ${version} REQUIRED GLOBAL)
    return()
  endif()
  # Let what is set here win over the option() and set(CACHE) of older projects.
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
  set(CMAKE_POLICY_DEFAULT_CMP0126 NEW)
  set(BUILD_SHARED_LIBS "${BUILD_SHARED_LIBS}")
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  foreach(option IN LISTS ARGN)
    set(${option} OFF)
  endforeach()
  # Not called by its package's name, lest oneTBB take itself for installed.
  cmake_path(GET repository FILENAME content)
  FetchContent_Declare(${content}
    GIT_REPOSITORY https://github.com/${repository}
    GIT_TAG ${tag}
    GIT_SHALLOW TRUE
    SYSTEM
    FIND_PACKAGE_ARGS ${version} NAMES ${name} GLOBAL)
  FetchContent_MakeAvailable(${content})
endfunction()

zeroulp_dependency(hwy 1.0.3 google/highway 1.0.3
  HWY_ENABLE_CONTRIB HWY_ENABLE_EXAMPLES HWY_ENABLE_INSTALL HWY_ENABLE_TESTS)
if(NOT TARGET hwy::hwy)
  add_library(hwy::hwy ALIAS hwy)
endif()
block()
  set(BUILD_SHARED_LIBS ON)  # oneTBB supports no other form
  zeroulp_dependency(TBB 2021.8 oneapi-src/oneTBB v2021.8.0
    TBB_TEST TBB_STRICT TBBMALLOC_BUILD)
endblock()
zeroulp_dependency(fmt 9.1 fmtlib/fmt 9.1.0)
if(ZEROULP_BUILD_TOOLS)
  zeroulp_dependency(nlohmann_json 3.11 nlohmann/json v3.11.2)
  zeroulp_dependency(CLI11 2.1 CLIUtils/CLI11 v2.1.2)
endif()
if(ZEROULP_BUILD_TESTS)
  zeroulp_dependency(GTest 1.12 google/googletest release-1.12.1 INSTALL_GTEST)
endif()
if(ZEROULP_BUILD_BENCH)
  zeroulp_dependency(benchmark 1.7 google/benchmark v1.7.1
    BENCHMARK_ENABLE_TESTING BENCHMARK_ENABLE_INSTALL BENCHMARK_ENABLE_WERROR)
endif()
