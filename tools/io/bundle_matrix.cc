// SPDX-License-Identifier: Apache-2.0
#include "tools/io/bundle_matrix.h"

#include "tools/io/file_error.h"

namespace zeroulp {
namespace {

// Of one matrix. Throws Error{kOverflow}.
int64_t MatrixBytes(Format format, int64_t rows, int64_t cols) {
  const int64_t shape[] = {rows, DenseStride(format, cols)};
  switch (Info(format).storage_bits) {
    case 4:
      return SizeBytes(Dtype::kF4, shape);
    case 8:
      return SizeBytes(Dtype::kU8, shape);
    case 16:
      return SizeBytes(Dtype::kU16, shape);
    default:
      return SizeBytes(Dtype::kU32, shape);
  }
}

}  // namespace

BundleMatrix BundleMatrix::Zeros(Format format, Dtype dtype, int64_t batch,
                                 int64_t rows, int64_t cols) {
  const int64_t shape[] = {batch, MatrixBytes(format, rows, cols)};
  const int64_t size = SizeBytes(Dtype::kU8, shape);
  return {format, dtype, batch,
          rows,   cols,  std::vector<std::byte>(static_cast<size_t>(size))};
}

MatrixView BundleMatrix::View(int64_t index) {
  const auto size = static_cast<size_t>(MatrixBytes(format, rows, cols));
  return {std::span(bytes).subspan(static_cast<size_t>(index) * size, size),
          format, rows, cols, DenseStride(format, cols)};
}

ConstMatrixView BundleMatrix::View(int64_t index) const {
  const auto size = static_cast<size_t>(MatrixBytes(format, rows, cols));
  return {std::span(bytes).subspan(static_cast<size_t>(index) * size, size),
          format, rows, cols, DenseStride(format, cols)};
}

namespace io {
namespace {

// U8 holds one code a byte, which is the memory layout too, but for the 4-bit
// formats.
bool IsUnpacked(const BundleMatrix& matrix) {
  return matrix.dtype == Dtype::kU8 && Info(matrix.format).storage_bits == 4;
}

bool Holds(Dtype dtype, const FormatInfo& format) {
  if (dtype == Dtype::kU8) return format.storage_bits <= 8;
  return Info(dtype).name == format.safetensors;
}

void CheckShape(std::string_view path, std::string_view tensor,
                const BundleMatrix& matrix) {
  if (matrix.batch <= 0 || matrix.rows <= 0 || matrix.cols <= 0) {
    FileError(path, "tensor {} is empty: {} x {} x {}", Quote(tensor),
              matrix.batch, matrix.rows, matrix.cols);
  }
  if (matrix.dtype == Dtype::kF4 && matrix.cols % 2 != 0) {
    FileError(path,
              "tensor {}: F4 rows start on a byte, so the {} columns must be "
              "even; U8 takes one code a byte",
              Quote(tensor), matrix.cols);
  }
}

// Codes of fewer than 8 bits in U8 have clear high bits. The sign bit of ue4m3
// is ignored, as the hardware does.
void CheckCodes(std::string_view path, const TensorInfo& tensor,
                const FormatInfo& format, std::span<const std::byte> codes) {
  if (format.bits >= 7) return;
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto code = std::to_integer<uint32_t>(codes[i]);
    if (code >= format.num_codes()) {
      FileError(
          path, "tensor {}: element {} is 0x{:02x}, {} codes end at 0x{:x}",
          Quote(tensor.name), i, code, format.name, format.num_codes() - 1);
    }
  }
}

}  // namespace

std::vector<NamedMatrix> Matrices(const Bundle& bundle) {
  const auto get = [](const std::optional<BundleMatrix>& matrix) {
    return matrix ? &*matrix : nullptr;
  };
  return {{"a", &bundle.a},
          {"b_t", &bundle.b_t},
          {"c", get(bundle.c)},
          {"d", get(bundle.d)},
          {"a_scales", get(bundle.a_scales)},
          {"b_scales", get(bundle.b_scales)},
          {"a_row_scales", get(bundle.a_row_scales)},
          {"b_row_scales", get(bundle.b_row_scales)}};
}

BundleMatrix LoadMatrix(const SafetensorsFile& file, const TensorInfo& tensor,
                        Format format) {
  const size_t rank = tensor.shape.size();
  if (rank != 2 && rank != 3) {
    FileError(file.path(),
              "tensor {}: {} must have 2 dimensions, or 3 with a "
              "batch",
              Quote(tensor.name), tensor.ToString());
  }
  BundleMatrix matrix;
  matrix.format = format;
  matrix.dtype = tensor.dtype;
  matrix.batch = rank == 3 ? tensor.shape[0] : 1;
  matrix.rows = tensor.shape[rank - 2];
  matrix.cols = tensor.shape[rank - 1];
  CheckShape(file.path(), tensor.name, matrix);
  std::vector<std::byte> bytes = file.Read(tensor);
  if (matrix.dtype == Dtype::kU8) {
    CheckCodes(file.path(), tensor, Info(format), bytes);
  }
  if (!IsUnpacked(matrix)) {
    matrix.bytes = std::move(bytes);
    return matrix;
  }
  matrix = BundleMatrix::Zeros(format, matrix.dtype, matrix.batch, matrix.rows,
                               matrix.cols);
  size_t next = 0;
  for (int64_t i = 0; i < matrix.batch; ++i) {
    const MatrixView view = matrix.View(i);
    for (int64_t row = 0; row < view.rows; ++row) {
      for (int64_t col = 0; col < view.cols; ++col) {
        WriteCode(view, row, col, std::to_integer<uint32_t>(bytes[next++]));
      }
    }
  }
  return matrix;
}

std::vector<std::byte> FileBytes(const BundleMatrix& matrix) {
  if (!IsUnpacked(matrix)) return matrix.bytes;
  std::vector<std::byte> bytes;
  for (int64_t i = 0; i < matrix.batch; ++i) {
    const ConstMatrixView view = matrix.View(i);
    for (int64_t row = 0; row < view.rows; ++row) {
      for (int64_t col = 0; col < view.cols; ++col) {
        bytes.push_back(static_cast<std::byte>(ReadCode(view, row, col)));
      }
    }
  }
  return bytes;
}

void CheckMatrix(std::string_view path, std::string_view tensor,
                 const BundleMatrix& matrix) {
  CheckShape(path, tensor, matrix);
  const FormatInfo& format = Info(matrix.format);
  if (!Holds(matrix.dtype, format)) {
    FileError(path, "tensor {}: dtype {} cannot hold {}", Quote(tensor),
              Info(matrix.dtype).name, format.name);
  }
  const int64_t shape[] = {
      matrix.batch, MatrixBytes(matrix.format, matrix.rows, matrix.cols)};
  const int64_t expected = SizeBytes(Dtype::kU8, shape);
  if (static_cast<int64_t>(matrix.bytes.size()) != expected) {
    FileError(path, "tensor {}: {} x {} x {} {} takes {} bytes, has {}",
              Quote(tensor), matrix.batch, matrix.rows, matrix.cols,
              format.name, expected, matrix.bytes.size());
  }
}

}  // namespace io
}  // namespace zeroulp
