// SPDX-License-Identifier: Apache-2.0
// The documents that more than one figure cites.
#ifndef ZEROULP_PROFILES_SOURCES_H_
#define ZEROULP_PROFILES_SOURCES_H_

#include <array>
#include <cstddef>
#include <string_view>

namespace zeroulp::internal {

// clang-format off
// AWS Neuron documentation.
inline constexpr std::string_view kTrn1Page =
    "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/about-neuron/arch/neuron-hardware/trainium.rst";
inline constexpr std::string_view kTrn2Page =
    "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/about-neuron/arch/neuron-hardware/trainium2.rst";
inline constexpr std::string_view kTrn3Page =
    "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/about-neuron/arch/neuron-hardware/trainium3.rst";
inline constexpr std::string_view kTrn2Systems =
    "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/about-neuron/arch/neuron-hardware/trn2-arch.rst";
inline constexpr std::string_view kTrn3Systems =
    "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/about-neuron/arch/neuron-hardware/trn3-arch.rst";
inline constexpr std::string_view kNeuronCoreV3 =
    "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/about-neuron/arch/neuron-hardware/neuron-core-v3.rst";
inline constexpr std::string_view kNeuronCoreV4 =
    "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/about-neuron/arch/neuron-hardware/neuron-core-v4.rst";
inline constexpr std::string_view kNki1 =
    "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/nki/guides/architecture/trainium_inferentia2_arch.rst";
inline constexpr std::string_view kNki2 =
    "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/nki/guides/architecture/trainium2_arch.rst";
inline constexpr std::string_view kNki3 =
    "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/nki/guides/architecture/trainium3_arch.rst";

// NVIDIA.
inline constexpr std::string_view kAicH100 =
    "https://github.com/ai-dynamo/aiconfigurator/blob/095f58a51/aic-core/src/aiconfigurator_core/systems/h100_sxm.yaml";
inline constexpr std::string_view kAicH200 =
    "https://github.com/ai-dynamo/aiconfigurator/blob/095f58a51/aic-core/src/aiconfigurator_core/systems/h200_sxm.yaml";
inline constexpr std::string_view kAicB200 =
    "https://github.com/ai-dynamo/aiconfigurator/blob/095f58a51/aic-core/src/aiconfigurator_core/systems/b200_sxm.yaml";
inline constexpr std::string_view kAicB300 =
    "https://github.com/ai-dynamo/aiconfigurator/blob/095f58a51/aic-core/src/aiconfigurator_core/systems/b300_sxm.yaml";
inline constexpr std::string_view kAicGb200 =
    "https://github.com/ai-dynamo/aiconfigurator/blob/095f58a51/aic-core/src/aiconfigurator_core/systems/gb200.yaml";
inline constexpr std::string_view kAicGb300 =
    "https://github.com/ai-dynamo/aiconfigurator/blob/095f58a51/aic-core/src/aiconfigurator_core/systems/gb300.yaml";
inline constexpr std::string_view kH100Whitepaper =
    "NVIDIA H100 Tensor Core GPU Architecture whitepaper";
inline constexpr std::string_view kH100Datasheet = "NVIDIA H100 datasheet";
inline constexpr std::string_view kA100Datasheet = "NVIDIA A100 80GB datasheet";
inline constexpr std::string_view kH200NvlPage =
    "NVIDIA H200 NVL product page, recalled, not re-checked";
inline constexpr std::string_view kCudaGuide =
    "NVIDIA CUDA C++ Programming Guide, compute capabilities";
inline constexpr std::string_view kPtxTmem =
    "NVIDIA PTX ISA, tensor memory: 128 lanes x 512 columns x 32 bit";
inline constexpr std::string_view kCudaDevice =
    "reported by the CUDA driver on the device";

// Google, AMD.
inline constexpr std::string_view kTpu7xPage =
    "https://docs.cloud.google.com/tpu/docs/tpu7x";
inline constexpr std::string_view kTpuV5ePage =
    "https://cloud.google.com/tpu/docs/v5e";
inline constexpr std::string_view kJaxTpuInfo =
    "https://github.com/jax-ml/jax/blob/cec06d116c05f0d52adfceee3d3b730fdbcb0ce5/jax/_src/tpu_info.py";
inline constexpr std::string_view kJaxTpuHardware =
    "https://docs.jax.dev/en/latest/pallas/tpu/hardware.html";
inline constexpr std::string_view kAmdDatasheet =
    "AMD Instinct data sheet of the part";
inline constexpr std::string_view kPodPost =
    "https://threadreaderapp.com/scrolly/1960580060982694211";

// Surveys, press.
inline constexpr std::string_view kMlEngineering =
    "https://github.com/stas00/ml-engineering/blob/744d01e18b79/compute/accelerator/README.md";
inline constexpr std::string_view kLockwoodB200 =
    "https://glennklockwood.com/garden/processors/B200";
inline constexpr std::string_view kLockwoodB300 =
    "https://glennklockwood.com/garden/processors/B300";
inline constexpr std::string_view kVerdaGb300 =
    "https://verda.com/blog/gb300-nvl72-architecture";
inline constexpr std::string_view kFibermall =
    "https://fibermall.com/blog/?p=17161";
inline constexpr std::string_view kNand = "https://nand-research.com/?p=5010";
inline constexpr std::string_view kDcd =
    "https://www.datacenterdynamics.com/en/news/aws-trainium3-chips-likely-to-consume-1kw-of-power-company-to-adopt-cold-plate-cooling/";
inline constexpr std::string_view kAim3335 =
    "https://dev.to/kazuya_dev/aws-reinvent-2025-aws-trn3-ultraservers-power-next-generation-enterprise-ai-performanceaim3335-1jp3";
inline constexpr std::string_view kDailyScout =
    "https://thedailyscout.com/s/Mn3YJ2mN0TI";
inline constexpr std::string_view kRainierPost = "https://theaipost.in/?p=418";
inline constexpr std::string_view kIntrol =
    "https://introl.com/blog/why-nvidia-gb300-nvl72-blackwell-ultra-matters";
inline constexpr std::string_view kNewsletter =
    "newsletter (\"Amazon's AI Chip Bet\", Dec 2025)";
inline constexpr std::string_view kCapacityBlocks =
    "http://sibshop.uat.jiralog.com/ec2/capacityblocks/pricing (copy of the AWS Capacity Blocks page, prices to 2025-01-01)";
inline constexpr std::string_view kTrn1Price =
    "https://www.usage.ai/blogs/aws/ai-ml-cost/trainium-vs-gpu-instances/";
inline constexpr std::string_view kDigiteria =
    "https://digiterialabs.com/ai/insights/cloud-gpu-pricing-q1-2026";
inline constexpr std::string_view kCompux =
    "https://compux.net/docs/guides/gpu-pricing-trends-2026";
// clang-format on

// "first ; second": a statement that rests on several documents.
template <const std::string_view&... kParts>
inline constexpr auto kJoined = [] {
  constexpr std::string_view kBetween = " ; ";
  std::array<char, ((kParts.size() + kBetween.size()) + ...) - kBetween.size()>
      text = {};
  size_t end = 0;
  const auto append = [&](std::string_view part) {
    for (const char c : part) text[end++] = c;
  };
  ((end == 0 ? void() : append(kBetween), append(kParts)), ...);
  return text;
}();
template <const std::string_view&... kParts>
inline constexpr std::string_view kJoin = {kJoined<kParts...>.data(),
                                           kJoined<kParts...>.size()};

}  // namespace zeroulp::internal

#endif  // ZEROULP_PROFILES_SOURCES_H_
