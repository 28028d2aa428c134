// SPDX-License-Identifier: Apache-2.0
// BundleMatrix to and from the tensors of a file.
#ifndef ZEROULP_TOOLS_IO_BUNDLE_MATRIX_H_
#define ZEROULP_TOOLS_IO_BUNDLE_MATRIX_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "zeroulp/bundle.h"

namespace zeroulp::io {

// Metadata keys with a meaning of their own.
inline constexpr std::string_view kBundleKey = "zeroulp.bundle";
inline constexpr std::string_view kArithKey = "zeroulp.arith";
inline constexpr std::string_view kAFormatKey = "zeroulp.a_format";
inline constexpr std::string_view kBFormatKey = "zeroulp.b_format";
inline constexpr std::string_view kSparsityKey = "zeroulp.sparsity";
inline constexpr std::string_view kBlockKey = "zeroulp.block";
inline constexpr std::string_view kPromoteKey = "zeroulp.promote_every";

inline constexpr std::string_view kBundleVersion = "1";

// Names of the tensors of a bundle.
inline constexpr std::string_view kATensorScale = "a_tensor_scale";
inline constexpr std::string_view kBTensorScale = "b_tensor_scale";
inline constexpr std::string_view kAIndex = "a_index";

// The matrices of a bundle under their tensor names, absent ones as nullptr.
// Whoever reads, checks and writes them walks the same list.
struct NamedMatrix {
  std::string_view name;
  const BundleMatrix* matrix;
};
std::vector<NamedMatrix> Matrices(const Bundle& bundle);

// Loads a tensor whose format is known. Throws Error{kFile}.
BundleMatrix LoadMatrix(const SafetensorsFile& file, const TensorInfo& tensor,
                        Format format);

// The bytes a matrix has in a file, in its dtype.
std::vector<std::byte> FileBytes(const BundleMatrix& matrix);

// Throws Error{kFile} if the matrix is empty, its bytes are not those of its
// shape, or its dtype cannot hold its format.
void CheckMatrix(std::string_view path, std::string_view tensor,
                 const BundleMatrix& matrix);

}  // namespace zeroulp::io

#endif  // ZEROULP_TOOLS_IO_BUNDLE_MATRIX_H_
