// SPDX-License-Identifier: Apache-2.0
// Conversion instructions: what is recorded of them, in which file, and how a
// file is checked.
//
// A file of conversions is safetensors:
//   source   [n]            words that were converted
//   codes    [n]            what they became; FP6 and FP4 one code a byte
//   random   [n / elements] optional, U32: of a stochastic rounding
// with metadata zeroulp.conversion = "1", zeroulp.source_format,
// zeroulp.target, zeroulp.convention, zeroulp.rounding, zeroulp.layout with
// random words, and what NotesOf gives.
#ifndef ZEROULP_TOOLS_RECORD_CONVERSIONS_H_
#define ZEROULP_TOOLS_RECORD_CONVERSIONS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/record/cases.h"
#include "tools/record/gpu.h"
#include "tools/record/recorder.h"
#include "zeroulp/conventions.h"
#include "zeroulp/formats.h"

namespace zeroulp::record {

struct ConversionForm {
  std::string_view name;
  std::string_view instruction;  // PTX, a key of Gpu::Convert
  Format source, target;
  std::string_view convention;
  Rounding rounding;
  std::string_view layout;  // of random words; empty: none
  int per_call;             // elements of one instruction
  int target_bits;          // of an element in its result
  Chip first;               // chips from this one on, in the order of Chip...
  bool rtx;                 // and, after Blackwell, RTX Blackwell too
  std::string_view decides;
};

std::span<const ConversionForm> ConversionForms();

bool RunsOn(const ConversionForm& form, Chip chip);

struct Conversions {
  std::vector<uint32_t> source, random, codes;
};

// Sources about every edge of the target, specials and random ones; of 16 bits
// and less every word.
Conversions GenerateConversions(const ConversionForm& form, uint64_t seed);

// Runs them and writes a file.
Conversions RecordConversions(const ConversionForm& form, uint64_t seed,
                              Gpu& gpu);
void WriteConversions(const std::string& path, const ConversionForm& form,
                      const Conversions& conversions, const Metadata& notes);

struct ConversionReport {
  int64_t values = 0, differing = 0;
  std::string first;  // a sentence about the first that differs
};

// Converts again by the convention that the file names. Throws Error{kFile,
// kUnknownName, kUnsupported}.
ConversionReport CheckConversions(const std::string& path);

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_CONVERSIONS_H_
