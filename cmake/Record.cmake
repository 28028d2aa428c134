# SPDX-License-Identifier: Apache-2.0
# The recorder for GPUs, tools/record/cuda: built where there is an nvcc.
include(CheckLanguage)

find_program(ZEROULP_NVCC nvcc PATHS /usr/local/cuda/bin)
set(default OFF)
if(ZEROULP_NVCC AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CROSSCOMPILING)
  set(default ON)
endif()
option(ZEROULP_BUILD_RECORD "Build zeroulp-record, which needs nvcc" ${default})
if(NOT ZEROULP_BUILD_RECORD)
  return()
endif()

# Asked first, since enable_language fails where nvcc and g++ do not match.
if(ZEROULP_NVCC AND NOT DEFINED ENV{CUDACXX})
  set(ENV{CUDACXX} ${ZEROULP_NVCC})
endif()
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(WARNING "No nvcc works with this C++ compiler: zeroulp-record is not "
    "built (ZEROULP_BUILD_RECORD, CMAKE_CUDA_COMPILER)")
  return()
endif()
# What a file is compiled for is said for each file below.
set(CMAKE_CUDA_ARCHITECTURES OFF)
if(CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
# 12.5: the first with mma.sp::ordered_metadata.
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.5 OR
   NOT TARGET CUDA::cudart_static)
  message(WARNING "CUDA ${CMAKE_CUDA_COMPILER_VERSION} in ${CUDAToolkit_BIN_DIR}"
    " is older than 12.5 or has no static runtime: zeroulp-record is not built")
  return()
endif()

# Architectures: those whose instructions the cases name, as far as the toolkit
# knows them. One, "90a" for Hopper, is enough for its owner.
set(known 89 90a)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
  list(APPEND known 100a 120a)
endif()
set(ZEROULP_RECORD_ARCHS "${known}" CACHE STRING
  "Architectures of zeroulp-record: 89 90a 100a 103a 120a 121a")

# zeroulp_record_kernels(file [architectures that have its instructions]): adds
# it for those asked for; compiled for none, it is left out.
function(zeroulp_record_kernels file)
  set(options -std=c++20)
  foreach(arch IN LISTS ARGN)
    if(arch IN_LIST ZEROULP_RECORD_ARCHS)
      list(APPEND options "-gencode=arch=compute_${arch},code=sm_${arch}")
      set(wanted TRUE)
    endif()
  endforeach()
  if(wanted)
    set(source ${PROJECT_SOURCE_DIR}/tools/record/cuda/${file})
    set_source_files_properties(${source} PROPERTIES
      COMPILE_OPTIONS "${options}")
    target_sources(zeroulp_record_cuda PRIVATE ${source})
  endif()
endfunction()

zeroulp_glob(sources tools/record/cuda)
list(REMOVE_ITEM sources
  ${PROJECT_SOURCE_DIR}/tools/record/cuda/cublaslt.cc
  ${PROJECT_SOURCE_DIR}/tools/record/cuda/cublaslt_none.cc)
find_file(ZEROULP_CUBLASLT_H cublasLt.h PATHS ${CUDAToolkit_INCLUDE_DIRS}
  NO_DEFAULT_PATH)
if(ZEROULP_CUBLASLT_H)
  list(APPEND sources tools/record/cuda/cublaslt.cc)
else()
  list(APPEND sources tools/record/cuda/cublaslt_none.cc)
endif()
zeroulp_executable(zeroulp_record_cuda ${sources})
set_target_properties(zeroulp_record_cuda PROPERTIES
  OUTPUT_NAME zeroulp-record LINKER_LANGUAGE CXX)
target_link_libraries(zeroulp_record_cuda PRIVATE
  zeroulp_record fmt::fmt CLI11::CLI11 CUDA::cudart_static ${CMAKE_DL_LIBS})

set(blackwell 100a 103a)
set(rtx 120a 121a)
zeroulp_record_kernels(mma.cu 89 90a ${blackwell} ${rtx})
zeroulp_record_kernels(convert.cu 89 90a ${blackwell} ${rtx})
zeroulp_record_kernels(wgmma.cu 90a)
zeroulp_record_kernels(tcgen05.cu ${blackwell})
zeroulp_record_kernels(mma120.cu ${rtx})
zeroulp_record_kernels(convert_narrow.cu ${blackwell} ${rtx})
zeroulp_record_kernels(convert_random.cu ${blackwell})

list(JOIN ZEROULP_RECORD_ARCHS " " names)
target_compile_definitions(zeroulp_record_cuda PRIVATE
  ZEROULP_VERSION="${PROJECT_VERSION}"
  ZEROULP_RECORD_TOOLKIT="${CMAKE_CUDA_COMPILER_VERSION}"
  ZEROULP_RECORD_ARCHS="${names}")
foreach(arch IN LISTS ZEROULP_RECORD_ARCHS)
  string(TOUPPER ${arch} upper)
  target_compile_definitions(zeroulp_record_cuda PRIVATE
    ZEROULP_RECORD_SM${upper})
endforeach()
