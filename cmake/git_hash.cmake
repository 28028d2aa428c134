# SPDX-License-Identifier: Apache-2.0
# Writes ${OUT}: the commit being built, "-dirty" if files differ from it.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND git describe --always --dirty --abbrev=12 --exclude=*
  OUTPUT_VARIABLE hash OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT hash)
  set(hash "unknown")
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT
"#pragma once
inline constexpr char kGitHash[] = \"${hash}\";
")
