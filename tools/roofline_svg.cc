// SPDX-License-Identifier: Apache-2.0
#include "tools/roofline_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace zeroulp::cli {
namespace {

// Told apart also by the colour-blind (Okabe and Ito); the line's name stands
// beside it in any case.
constexpr auto kColours = std::to_array<std::string_view>(
    {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#B8860B",
     "#000000", "#7B3294"});

constexpr double kWidth = 960, kLeft = 76, kRight = 250, kTop = 48, kPlot = 420,
                 kBar = 22;

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string_view ColourOf(size_t roof) {
  return kColours[roof % kColours.size()];
}

std::string Text(double x, double y, std::string_view text,
                 std::string_view style = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y,
                     style, Escaped(text));
}

// Whole powers of ten around all values, on a logarithmic axis.
struct Axis {
  double low, high;  // exponents
  double from, to;   // where they are drawn

  double At(double value) const {
    return from + (std::log10(value) - low) / (high - low) * (to - from);
  }
};

struct Range {
  double least = std::numeric_limits<double>::infinity(), most = 0;

  void Hold(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

Axis MakeAxis(const Range& range, double from, double to) {
  Axis axis = {std::floor(std::log10(range.least)),
               std::ceil(std::log10(range.most)), from, to};
  if (axis.high <= axis.low) axis.high = axis.low + 1;
  return axis;
}

std::string Grid(const Axis& x, const Axis& y) {
  std::string svg;
  const auto line = [&](double x1, double y1, double x2, double y2,
                        bool strong) {
    svg += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" "
        "stroke=\"{}\"/>\n",
        x1, y1, x2, y2, strong ? "#cccccc" : "#eeeeee");
  };
  for (double e = x.low; e <= x.high; ++e) {
    for (int digit = 1; digit < 10 && (digit == 1 || e < x.high); ++digit) {
      const double at = x.At(digit * std::pow(10, e));
      line(at, y.from, at, y.to, digit == 1);
    }
    svg += Text(x.At(std::pow(10, e)), y.from + 18,
                fmt::format("{:g}", std::pow(10, e)),
                "text-anchor=\"middle\" class=\"tick\"");
  }
  for (double e = y.low; e <= y.high; ++e) {
    for (int digit = 1; digit < 10 && (digit == 1 || e < y.high); ++digit) {
      const double at = y.At(digit * std::pow(10, e));
      line(x.from, at, x.to, at, digit == 1);
    }
    svg += Text(x.from - 8, y.At(std::pow(10, e)) + 4,
                fmt::format("{:g}", std::pow(10, e)),
                "text-anchor=\"end\" class=\"tick\"");
  }
  svg += Text((x.from + x.to) / 2, y.from + 38,
              "arithmetic intensity, flop per byte of memory traffic",
              "text-anchor=\"middle\"");
  svg += fmt::format(
      "<text transform=\"translate(22 {:.1f}) rotate(-90)\" "
      "text-anchor=\"middle\">TFLOP/s</text>\n",
      (y.from + y.to) / 2);
  return svg;
}

std::string RoofLine(const Roof& roof, size_t index, const Axis& x,
                     const Axis& y) {
  // TFLOP/s = flop/byte x GB/s / 1000. The line enters at the left or, where
  // that is below the picture, at the bottom.
  const double start = std::max(std::pow(10, x.low),
                                std::pow(10, y.low) * 1e3 / roof.gbytes_per_s);
  const double ridge = roof.tflops * 1e3 / roof.gbytes_per_s;
  return fmt::format(
      "<polyline points=\"{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}\" "
      "fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{}/>\n",
      x.At(start), y.At(start * roof.gbytes_per_s / 1e3), x.At(ridge),
      y.At(roof.tflops), x.to, y.At(roof.tflops), ColourOf(index),
      roof.sparse ? " stroke-dasharray=\"7 4\"" : "");
}

// Names to the right of the picture, in the order of the roofs' heights and
// far enough apart to be read.
std::string Legend(const std::vector<Roof>& roofs, const Axis& x,
                   const Axis& y) {
  std::vector<size_t> order(roofs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return roofs[a].tflops > roofs[b].tflops;
  });
  std::string svg;
  double last = y.to - 14;
  for (const size_t i : order) {
    const double at = std::max(y.At(roofs[i].tflops), last + 16);
    last = at;
    svg += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" "
        "stroke=\"{}\"/>\n",
        x.to, y.At(roofs[i].tflops), x.to + 12, at, ColourOf(i));
    svg += Text(x.to + 16, at + 4,
                fmt::format("{}: {:.4g}{}", roofs[i].name, roofs[i].tflops,
                            roofs[i].sparse ? " sparse" : ""),
                fmt::format("fill=\"{}\"", ColourOf(i)));
  }
  return svg;
}

std::string Bars(const std::vector<Roof>& roofs, const std::vector<Bar>& bars,
                 double top) {
  double most = 0;
  for (const Bar& bar : bars) most = std::max(most, bar.peak_tflops);
  const double left = 260, right = kWidth - 180;
  std::string svg = Text(kLeft, top - 12, "projected TFLOP/s; outline: peak",
                         "class=\"head\"");
  for (size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    const double y = top + static_cast<double>(i) * kBar;
    const double scale = (right - left) / most;
    svg += Text(left - 8, y + 13,
                fmt::format("{}{}", roofs[bar.roof].name,
                            roofs[bar.roof].sparse ? " sparse" : ""),
                "text-anchor=\"end\"");
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"16\" "
        "fill=\"none\" stroke=\"{}\"{}/>\n",
        left, y, bar.peak_tflops * scale, ColourOf(bar.roof),
        roofs[bar.roof].sparse ? " stroke-dasharray=\"5 3\"" : "");
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"16\" "
        "fill=\"{}\"/>\n",
        left, y, bar.tflops * scale, ColourOf(bar.roof));
    svg +=
        Text(left + bar.peak_tflops * scale + 8, y + 13,
             fmt::format("{:.4g} of {:.4g} ({:.0f} %)", bar.tflops,
                         bar.peak_tflops, 100 * bar.tflops / bar.peak_tflops));
  }
  return svg;
}

}  // namespace

std::string RooflineSvg(const std::string& title,
                        const std::vector<Roof>& roofs,
                        const std::vector<RooflinePoint>& points,
                        const std::vector<Bar>& bars) {
  Range intensity, rate;
  for (const Roof& roof : roofs) {
    const double ridge = roof.tflops * 1e3 / roof.gbytes_per_s;
    intensity.Hold(ridge / 20);  // so that the slope is seen
    intensity.Hold(ridge * 4);   // and the roof
    rate.Hold(roof.tflops / 20);
    rate.Hold(roof.tflops);
  }
  for (const RooflinePoint& point : points) {
    intensity.Hold(point.flop_per_byte);
    rate.Hold(point.tflops);
  }
  const Axis x = MakeAxis(intensity, kLeft, kWidth - kRight);
  const Axis y = MakeAxis(rate, kTop + kPlot, kTop);
  const double bars_top = kTop + kPlot + 92;
  const double height = bars_top + static_cast<double>(bars.size()) * kBar + 24;

  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\">\n"
      "<style>text {{ font: 12px sans-serif; }} .head {{ font: bold 14px "
      "sans-serif; }} .tick {{ font-size: 11px; fill: #555555; }}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kWidth, height);
  svg += Text(kLeft, 28, title, "class=\"head\"");
  svg += Grid(x, y);
  for (size_t i = 0; i < roofs.size(); ++i) svg += RoofLine(roofs[i], i, x, y);
  svg += Legend(roofs, x, y);
  for (const RooflinePoint& point : points) {
    svg += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\" "
        "stroke=\"white\"><title>{}</title></circle>\n",
        x.At(point.flop_per_byte), y.At(point.tflops), ColourOf(point.roof),
        Escaped(point.name));
  }
  svg += Bars(roofs, bars, bars_top);
  return svg + "</svg>\n";
}

}  // namespace zeroulp::cli
