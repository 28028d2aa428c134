// SPDX-License-Identifier: Apache-2.0
// Rooflines and a comparison as a picture.
#ifndef ZEROULP_TOOLS_ROOFLINE_SVG_H_
#define ZEROULP_TOOLS_ROOFLINE_SVG_H_

#include <string>
#include <vector>

namespace zeroulp::cli {

// Of one chip and format.
struct Roof {
  std::string name;
  double tflops, gbytes_per_s;
  bool sparse;
};
struct RooflinePoint {
  size_t roof;  // which of the roofs
  std::string name;
  double flop_per_byte, tflops;
};
struct Bar {
  size_t roof;
  double tflops, peak_tflops;
};

// Log-log: one roof each, dense solid and sparse dashed, a dot for each point;
// below, a bar for each roof: what is projected of its peak.
std::string RooflineSvg(const std::string& title,
                        const std::vector<Roof>& roofs,
                        const std::vector<RooflinePoint>& points,
                        const std::vector<Bar>& bars);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_ROOFLINE_SVG_H_
