// SPDX-License-Identifier: Apache-2.0
// Matrix products by cuBLASLt, which is loaded at run time: the recorder
// needs its header to build and nothing of it to start.
#include <cublasLt.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdint>

#include "tools/record/cuda/cuda_gpu.h"
#include "tools/record/cuda/runtime.h"

namespace zeroulp::record::cuda {
namespace {

template <typename... Args>
[[noreturn]] void Refuse(fmt::format_string<Args...> sentence, Args&&... args) {
  throw Error(
      ErrorCode::kUnsupported,
      "cuBLASLt: " + fmt::format(sentence, std::forward<Args>(args)...));
}

#define ZEROULP_STRING2(x) #x
#define ZEROULP_STRING(x) ZEROULP_STRING2(x)
// The version that the header is of, since its structures are.
constexpr char kLibrary[] = "libcublasLt.so." ZEROULP_STRING(CUBLAS_VER_MAJOR);

// The functions used, by name.
struct Library {
  Library() {
    void* handle = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) Refuse("{}", dlerror());
    const auto load = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
          dlsym(handle, name));
      if (function == nullptr) Refuse("{} has no {}", kLibrary, name);
    };
    load(create, "cublasLtCreate");
    load(destroy, "cublasLtDestroy");
    load(version, "cublasLtGetVersion");
    load(desc_create, "cublasLtMatmulDescCreate");
    load(desc_destroy, "cublasLtMatmulDescDestroy");
    load(desc_set, "cublasLtMatmulDescSetAttribute");
    load(layout_create, "cublasLtMatrixLayoutCreate");
    load(layout_destroy, "cublasLtMatrixLayoutDestroy");
    load(preference_create, "cublasLtMatmulPreferenceCreate");
    load(preference_destroy, "cublasLtMatmulPreferenceDestroy");
    load(preference_set, "cublasLtMatmulPreferenceSetAttribute");
    load(heuristic, "cublasLtMatmulAlgoGetHeuristic");
    load(config_get, "cublasLtMatmulAlgoConfigGetAttribute");
    load(matmul, "cublasLtMatmul");
  }

  decltype(&cublasLtCreate) create;
  decltype(&cublasLtDestroy) destroy;
  decltype(&cublasLtGetVersion) version;
  decltype(&cublasLtMatmulDescCreate) desc_create;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set;
  decltype(&cublasLtMatrixLayoutCreate) layout_create;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic;
  decltype(&cublasLtMatmulAlgoConfigGetAttribute) config_get;
  decltype(&cublasLtMatmul) matmul;
};

void Check(cublasStatus_t status, std::string_view what) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    Refuse("{}: status {}", what, static_cast<int>(status));
  }
}

const Library& Lt() {
  static const Library library;
  return library;
}

// Owners of the library's objects.
template <class T>
struct Owner {
  explicit Owner(cublasStatus_t (*destroy)(T)) : destroy_(destroy) {}
  ~Owner() {
    if (value != nullptr) destroy_(value);
  }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  T value = nullptr;

 private:
  cublasStatus_t (*destroy_)(T);
};

class Layout : public Owner<cublasLtMatrixLayout_t> {
 public:
  // Column-major.
  Layout(cudaDataType type, int64_t rows, int64_t cols)
      : Owner(Lt().layout_destroy) {
    Check(Lt().layout_create(&value, type, static_cast<uint64_t>(rows),
                             static_cast<uint64_t>(cols), rows),
          "describing a matrix");
  }
};

cudaDataType TypeOf(Format format) {
  switch (format) {
    case Format::kE4M3FN:
      return CUDA_R_8F_E4M3;
    case Format::kE5M2:
      return CUDA_R_8F_E5M2;
    case Format::kF16:
      return CUDA_R_16F;
    case Format::kBF16:
      return CUDA_R_16BF;
    case Format::kTF32:
    case Format::kF32:
      return CUDA_R_32F;
    default:
      Refuse("no matrices of {}", Info(format).name);
  }
}

cublasComputeType_t ComputeTypeOf(Format format) {
  return format == Format::kTF32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                 : CUBLAS_COMPUTE_32F;
}

// What the algorithm says of itself: enough to ask for it again, and whether it
// splits K, which changes the sum.
std::string Describe(const cublasLtMatmulAlgo_t& algorithm) {
  const auto get = [&](cublasLtMatmulAlgoConfigAttributes_t attribute) {
    int32_t value = 0;
    size_t written = 0;
    const cublasStatus_t status =
        Lt().config_get(&algorithm, attribute, &value, sizeof(value), &written);
    return status == CUBLAS_STATUS_SUCCESS ? std::to_string(value) : "?";
  };
  return fmt::format(
      "algorithm {}, tile {}, stages {}, split-K {}, "
      "reduction scheme {}, custom {}",
      get(CUBLASLT_ALGO_CONFIG_ID), get(CUBLASLT_ALGO_CONFIG_TILE_ID),
      get(CUBLASLT_ALGO_CONFIG_STAGES_ID), get(CUBLASLT_ALGO_CONFIG_SPLITK_NUM),
      get(CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME),
      get(CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION));
}

// What the library is asked for is D^T = B x A^T in its column-major terms: D
// in rows, as PyTorch asks. Its first operand is our B^T, transposed, since
// rows are contiguous; its second our A.
class Description : public Owner<cublasLtMatmulDesc_t> {
 public:
  Description(const Matmul& x, const float* a_scales, const float* b_scales)
      : Owner(Lt().desc_destroy) {
    Check(Lt().desc_create(&value, ComputeTypeOf(x.a_format), CUDA_R_32F),
          "describing a product");
    Set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
    Set(CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
    if (x.scales == MatmulScales::kNone) return;
    Set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, static_cast<int8_t>(x.fast));
    Set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, b_scales);
    Set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, a_scales);
    if (x.scales != MatmulScales::kMatrix) SetModes(x.scales);
  }

 private:
  void SetModes(MatmulScales scales) {
#if CUBLAS_VERSION >= 120900
    const bool rows = scales == MatmulScales::kRows;
    Set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE,
        rows ? CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F
             : CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F);
    Set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE,
        rows ? CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F
             : CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F);
#else
    Refuse("version {} has one scale for each matrix alone", CUBLAS_VERSION);
#endif
  }

  template <class T>
  void Set(cublasLtMatmulDescAttributes_t attribute, const T& x) {
    Check(Lt().desc_set(value, attribute, &x, sizeof(x)),
          "setting an attribute of a product");
  }
};

constexpr size_t kWorkspaceBytes = size_t{32} << 20;  // what NVIDIA advises

cublasLtMatmulAlgo_t Choose(cublasLtHandle_t handle,
                            const Description& description, const Layout& a,
                            const Layout& b, const Layout& d) {
  Owner<cublasLtMatmulPreference_t> preference(Lt().preference_destroy);
  Check(Lt().preference_create(&preference.value), "making a preference");
  Check(Lt().preference_set(preference.value,
                            CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                            &kWorkspaceBytes, sizeof(kWorkspaceBytes)),
        "setting the workspace");
  // None that splits K.
  const uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_NONE;
  Check(Lt().preference_set(preference.value,
                            CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                            &schemes, sizeof(schemes)),
        "setting the reduction schemes");
  cublasLtMatmulHeuristicResult_t result = {};
  int found = 0;
  Check(Lt().heuristic(handle, description.value, a.value, b.value, d.value,
                       d.value, preference.value, 1, &result, &found),
        "looking for an algorithm");
  if (found == 0) Refuse("no algorithm for this product");
  return result.algo;
}

// Words of 2 or 4 bytes.
std::vector<uint32_t> Words(const std::vector<uint8_t>& bytes, size_t size) {
  std::vector<uint32_t> words(bytes.size() / size);
  for (size_t i = 0; i < words.size(); ++i) {
    for (size_t k = 0; k < size; ++k) {
      words[i] |= uint32_t{bytes[i * size + k]} << (8 * k);
    }
  }
  return words;
}

}  // namespace

MatmulResult CublasLtMatmul(const Matmul& x) {
  Owner<cublasLtHandle_t> handle(Lt().destroy);
  Check(Lt().create(&handle.value), "starting");
  // Each in memory of its own: the library wants pointers aligned to 16 bytes.
  const DeviceArray<float> a_scales(x.a_scales), b_scales(x.b_scales);
  const DeviceArray<uint8_t> a(x.a), b(x.b_t), workspace(kWorkspaceBytes);
  const auto size = static_cast<size_t>(Info(x.out).storage_bits / 8);
  const DeviceArray<uint8_t> d(static_cast<size_t>(x.m * x.n) * size);

  const Description description(x, a_scales.data(), b_scales.data());
  const Layout b_layout(TypeOf(x.b_format), x.k, x.n);
  const Layout a_layout(TypeOf(x.a_format), x.k, x.m);
  const Layout d_layout(TypeOf(x.out), x.n, x.m);
  const cublasLtMatmulAlgo_t algorithm =
      Choose(handle.value, description, b_layout, a_layout, d_layout);
  const float one = 1, zero = 0;
  Check(Lt().matmul(handle.value, description.value, &one, b.data(),
                    b_layout.value, a.data(), a_layout.value, &zero, d.data(),
                    d_layout.value, d.data(), d_layout.value, &algorithm,
                    workspace.data(), kWorkspaceBytes, nullptr),
        "multiplying");
  return {.d = Words(d.Read(), size),
          .library = fmt::format("cuBLASLt {}", Lt().version()),
          .algorithm = Describe(algorithm)};
}

}  // namespace zeroulp::record::cuda
