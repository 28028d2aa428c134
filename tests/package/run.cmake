# SPDX-License-Identifier: Apache-2.0
# cmake -DCONSUMER=<folder> -DWORK=<folder> -DINSTALL=<build tree, or empty>
#       -DOPTIONS=<-D...> -P run.cmake
# Configures, builds and runs a consumer in a clean folder, as a user would.
cmake_minimum_required(VERSION 3.25)
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${WORK})
if(INSTALL)
  run(${CMAKE_COMMAND} --install ${INSTALL} --prefix ${WORK}/prefix)
  if(EXISTS ${WORK}/prefix/include/zeroulp/internal)
    message(FATAL_ERROR "internal headers are installed")
  endif()
endif()
# The objects are those of the main build: let ccache, asked from another
# folder, return them.
set(ENV{CCACHE_NOHASHDIR} 1)
run(${CMAKE_COMMAND} --no-warn-unused-cli -S ${CONSUMER} -B ${WORK}/build
  -DCMAKE_PREFIX_PATH=${WORK}/prefix ${OPTIONS})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/build --output-on-failure
  --no-tests=error)
