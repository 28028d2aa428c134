# SPDX-License-Identifier: Apache-2.0
# Other libraries that the benchmark measures beside ours where they are
# installed. Nothing else ever links them.

# zeroulp_peer(target NAME source libraries...)
function(zeroulp_peer target name source)
  target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/bench/peers/${source})
  target_link_libraries(${target} PRIVATE ${ARGN})
  target_compile_definitions(${target} PRIVATE ZEROULP_PEER_${name})
  message(STATUS "Benchmark peer: ${name}")
endfunction()

function(zeroulp_peers target)
  # OpenBLAS has the package file, but not every distribution's names targets.
  find_library(OPENBLAS_LIBRARY openblas)
  find_path(OPENBLAS_INCLUDE_DIR openblas_config.h PATH_SUFFIXES
    openblas openblas-pthread ${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread)
  if(OPENBLAS_LIBRARY AND OPENBLAS_INCLUDE_DIR)
    zeroulp_peer(${target} OPENBLAS openblas.cc ${OPENBLAS_LIBRARY})
    target_include_directories(${target} SYSTEM PRIVATE
      ${OPENBLAS_INCLUDE_DIR})
  endif()

  # Its third version describes primitives differently.
  find_package(dnnl 2.6 CONFIG QUIET)
  find_package(OpenMP QUIET COMPONENTS CXX)
  if(dnnl_FOUND AND dnnl_VERSION VERSION_LESS 3 AND OpenMP_CXX_FOUND)
    zeroulp_peer(${target} ONEDNN onednn.cc DNNL::dnnl OpenMP::OpenMP_CXX)
  endif()

  find_package(Eigen3 3.4 CONFIG QUIET)
  if(Eigen3_FOUND)
    zeroulp_peer(${target} EIGEN eigen.cc Eigen3::Eigen)
    set_source_files_properties(
      ${PROJECT_SOURCE_DIR}/bench/peers/eigen.cc
      TARGET_DIRECTORY ${target} PROPERTIES
      COMPILE_OPTIONS "-march=native;-Wno-maybe-uninitialized")
  endif()
endfunction()
