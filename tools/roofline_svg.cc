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

constexpr double kWidth = 1070, kLeft = 84, kRight = 340, kTop = 48,
                 kPlot = 420, kLine = 16, kBar = 22;

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

// "2517 TF", "362 PF", "42.5 EF".
std::string Rate(double tflops) {
  if (tflops < 1e4) return fmt::format("{:.4g} TF", tflops);
  if (tflops < 1e6) return fmt::format("{:.3g} PF", tflops / 1e3);
  return fmt::format("{:.3g} EF", tflops / 1e6);
}

std::string NameOf(const Roof& roof) {
  return roof.name + (roof.sparse ? " sparse" : "");
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
                fmt::format("{:.{}f}", std::pow(10, e),
                            static_cast<int>(std::max(0.0, -e))),
                "text-anchor=\"middle\" class=\"tick\"");
  }
  for (double e = y.low; e <= y.high; ++e) {
    for (int digit = 1; digit < 10 && (digit == 1 || e < y.high); ++digit) {
      const double at = y.At(digit * std::pow(10, e));
      line(x.from, at, x.to, at, digit == 1);
    }
    svg += Text(x.from - 8, y.At(std::pow(10, e)) + 4,
                fmt::format("{:.{}f}", std::pow(10, e),
                            static_cast<int>(std::max(0.0, -e))),
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
// far enough apart to be read. `bottom` becomes where they end.
std::string Legend(const std::vector<Roof>& roofs, const Axis& x, const Axis& y,
                   double& bottom) {
  std::vector<size_t> order(roofs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return roofs[a].tflops > roofs[b].tflops;
  });
  std::string svg;
  bottom = y.to - kLine;
  for (const size_t i : order) {
    bottom = std::max(y.At(roofs[i].tflops), bottom + kLine);
    svg += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" "
        "stroke=\"{}\"/>\n",
        x.to, y.At(roofs[i].tflops), x.to + 12, bottom, ColourOf(i));
    svg += Text(x.to + 16, bottom + 4,
                fmt::format("{}: {}", NameOf(roofs[i]), Rate(roofs[i].tflops)),
                fmt::format("fill=\"{}\"", ColourOf(i)));
  }
  return svg;
}

// From 0 or, where one bar would hide the others, on a logarithmic axis.
Axis BarAxis(const std::vector<Bar>& bars, bool& logarithmic) {
  constexpr double kSpread = 50;
  Range range;
  for (const Bar& bar : bars) {
    range.Hold(bar.tflops);
    range.Hold(bar.peak_tflops);
  }
  logarithmic = range.most > kSpread * range.least;
  Axis axis = MakeAxis(range, 290, kWidth - 220);
  axis.high = std::log10(range.most);
  return axis;
}

std::string Bars(const std::vector<Roof>& roofs, const std::vector<Bar>& bars,
                 double top) {
  bool logarithmic = false;
  const Axis axis = BarAxis(bars, logarithmic);
  const auto width = [&](double tflops) {
    return logarithmic
               ? axis.At(tflops) - axis.from
               : (axis.to - axis.from) * tflops / std::pow(10, axis.high);
  };
  std::string svg = Text(kLeft, top - 12,
                         fmt::format("projected FLOP/s, outline: peak{}",
                                     logarithmic ? "; logarithmic" : ""),
                         "class=\"head\"");
  for (size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    const double y = top + static_cast<double>(i) * kBar;
    svg += Text(axis.from - 8, y + 13, NameOf(roofs[bar.roof]),
                "text-anchor=\"end\"");
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"16\" "
        "fill=\"none\" stroke=\"{}\"{}/>\n",
        axis.from, y, width(bar.peak_tflops), ColourOf(bar.roof),
        roofs[bar.roof].sparse ? " stroke-dasharray=\"5 3\"" : "");
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"16\" "
        "fill=\"{}\"/>\n",
        axis.from, y, width(bar.tflops), ColourOf(bar.roof));
    svg += Text(
        axis.from + width(bar.peak_tflops) + 8, y + 13,
        fmt::format("{} of {} ({:.0f} %)", Rate(bar.tflops),
                    Rate(bar.peak_tflops), 100 * bar.tflops / bar.peak_tflops));
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
  double legend_end = 0;
  const std::string legend = Legend(roofs, x, y, legend_end);
  const double bars_top = std::max(kTop + kPlot, legend_end) + 92;
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
  svg += legend;
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
