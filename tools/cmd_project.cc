// SPDX-License-Identifier: Apache-2.0
// project: a GEMM, or a model's, on the chips and systems of the tables; and
// how far such projections were off on published times.
#include <algorithm>
#include <memory>
#include <vector>

#include "tools/backtest.h"
#include "tools/commands.h"
#include "tools/model_projection.h"
#include "tools/output.h"
#include "tools/project_options.h"
#include "tools/projection.h"
#include "tools/roofline_svg.h"
#include "zeroulp/project.h"

namespace zeroulp::cli {
namespace {

std::string Print(const Table& table, bool markdown) {
  return markdown ? table.Markdown() : table.Text();
}

// Calls project(id) for each target. A target that was asked for must answer;
// of all those that can do, and the others' reasons are kept.
template <typename Call>
auto ForTargets(const ProjectOptions& options, const Catalog& catalog,
                std::vector<std::string>& refusals, Call project) {
  std::vector<decltype(project(std::string()))> projections;
  const bool all = options.chips.empty() ||
                   std::find(options.chips.begin(), options.chips.end(),
                             "all") != options.chips.end();
  for (const std::string& id : all ? catalog.Ids() : options.chips) {
    try {
      projections.push_back(project(id));
    } catch (const Error& error) {
      if (!all || error.code() != ErrorCode::kUnsupported) throw;
      refusals.emplace_back(error.what());
    }
  }
  if (projections.empty()) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("no chip or system takes this; the first refusal: "
                            "{}",
                            refusals.front()));
  }
  return projections;
}

struct Picture {
  std::vector<Roof> roofs;
  std::vector<RooflinePoint> points;
  std::vector<Bar> bars;

  void AddRoof(const Projection& p, bool sparse) {
    roofs.push_back({fmt::format("{} {}", p.target, p.peak_label),
                     p.peak_tflops, p.memory_gbytes_per_s, sparse});
  }
  void AddPoint(const Projection& p, const std::string& name) {
    points.push_back({roofs.size() - 1, name,
                      p.arithmetic_intensity_flop_per_byte, p.tflops});
  }
};

// The picture has one roof for the dense peak as well where sparsity is asked.
void AddDenseRoof(Picture& picture, const Catalog& catalog, Plan plan,
                  const std::string& target) {
  plan.gemm.sparsity = {};
  try {
    const Projection dense = ProjectPlan(catalog, plan, target);
    picture.AddRoof(dense, false);
    picture.AddPoint(dense, target + " dense");
    picture.bars.push_back(
        {picture.roofs.size() - 1, dense.tflops, dense.peak_tflops});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
  }
}

void WritePicture(const ProjectOptions& options, const std::string& title,
                  const Picture& picture) {
  TextOutput(options.svg)
      .Write(RooflineSvg(title, picture.roofs, picture.points, picture.bars));
}

std::string TitleOf(const ProjectOptions& o, const std::string& what) {
  return fmt::format("{}, {}{}{}", what, o.format,
                     o.b_format.empty() ? "" : " x " + o.b_format,
                     o.sparsity.empty() ? "" : ", " + o.sparsity + " sparse");
}

int ProjectShape(const ProjectOptions& options) {
  const Catalog catalog = MakeCatalog(options);
  Plan plan = MakePlan(options);
  ParseShape(options.shape, plan.gemm);
  std::vector<std::string> refusals;
  const std::vector<Projection> projections = ForTargets(
      options, catalog, refusals,
      [&](const std::string& id) { return ProjectPlan(catalog, plan, id); });
  if (!options.svg.empty()) {
    Picture picture;
    for (const Projection& p : projections) {
      if (!options.sparsity.empty()) {
        AddDenseRoof(picture, catalog, plan, std::string(p.target));
      }
      picture.AddRoof(p, !options.sparsity.empty());
      picture.AddPoint(p, std::string(p.target));
      picture.bars.push_back(
          {picture.roofs.size() - 1, p.tflops, p.peak_tflops});
    }
    WritePicture(options, TitleOf(options, options.shape), picture);
  }
  if (options.json) {
    Json json = NewJson("project");
    json["rows"] = Json::array();
    for (const Projection& row : projections) {
      json["rows"].push_back(Describe(row));
    }
    json["refused"] = refusals;
    fmt::print("{}", ToText(json));
    return kOk;
  }
  fmt::print("{}\n{}", Print(ProjectionTable(projections), options.markdown),
             AssumptionsText(projections));
  return kOk;
}

std::vector<Projection> LayersOf(const std::vector<ModelProjection>& models) {
  std::vector<Projection> layers;
  for (const ModelProjection& p : models) {
    layers.insert(layers.end(), p.layers.begin(), p.layers.end());
  }
  return layers;
}

Picture PictureOf(const ProjectOptions& options, const ModelShapes& model,
                  const std::vector<ModelProjection>& projections) {
  Picture picture;
  for (const ModelProjection& p : projections) {
    picture.AddRoof(p.layers[0], !options.sparsity.empty());
    for (size_t i = 0; i < p.layers.size(); ++i) {
      picture.AddPoint(p.layers[i],
                       fmt::format("{} {}", p.target, model.layers[i].name));
    }
    picture.bars.push_back(
        {picture.roofs.size() - 1, p.tflops(), p.peak_tflops});
  }
  return picture;
}

int ProjectShapes(const ProjectOptions& options) {
  const Catalog catalog = MakeCatalog(options);
  const Plan plan = MakePlan(options);
  const ModelShapes model = FindModelShapes(options.shapes, options.load);
  std::vector<std::string> refusals;
  const std::vector<ModelProjection> projections =
      ForTargets(options, catalog, refusals, [&](const std::string& id) {
        return ProjectModel(catalog, model, plan, id);
      });
  const std::string what = fmt::format(
      "{}, batch {}, {} token{} each ({})", model.name, options.load.batch,
      options.load.tokens, options.load.tokens == 1 ? "" : "s",
      options.load.tokens == 1 ? "decode" : "prefill");
  if (!options.svg.empty()) {
    WritePicture(options, TitleOf(options, what),
                 PictureOf(options, model, projections));
  }
  if (options.json) {
    Json json = NewJson("project-model");
    json["model"] = model.name;
    json["source"] = model.source;
    json["batch"] = options.load.batch;
    json["tokens"] = options.load.tokens;
    json["targets"] = Json::array();
    for (const ModelProjection& p : projections) {
      json["targets"].push_back(Describe(model, p));
    }
    json["refused"] = refusals;
    fmt::print("{}", ToText(json));
    return kOk;
  }
  fmt::print("{}\n{}\nproducts alone: no attention, norms or sampling\n\n",
             Heading(TitleOf(options, what)), model.source);
  // All targets' layers would be a wall of numbers.
  constexpr size_t kLayerTables = 4;
  if (projections.size() <= kLayerTables) {
    for (const ModelProjection& p : projections) {
      fmt::print("{}\n{}\n", Heading(p.target),
                 Print(LayerTable(model, p), options.markdown));
    }
  }
  fmt::print("{}\n{}",
             Print(ModelTable(projections,
                              static_cast<double>(options.load.batch) *
                                  static_cast<double>(options.load.tokens)),
                   options.markdown),
             AssumptionsText(LayersOf(projections)));
  return kOk;
}

int RunBacktest(const ProjectOptions& options) {
  const Catalog catalog = MakeCatalog(options);
  const std::vector<BacktestRow> rows = Backtest(catalog, options.backtest);
  if (options.json) {
    fmt::print("{}", ToText(DescribeBacktest(rows)));
    return kOk;
  }
  fmt::print("{}\n{}", Print(BacktestTable(rows), options.markdown),
             BacktestNotes(rows));
  return kOk;
}

int ProjectCommand(const ProjectOptions& options) {
  if (!options.backtest.empty()) return RunBacktest(options);
  if (!options.shapes.empty()) return ProjectShapes(options);
  return ProjectShape(options);
}

}  // namespace

void AddProject(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "project", "a GEMM or a model projected onto chips and systems");
  const auto options = std::make_shared<ProjectOptions>();
  AddProjectOptions(*command, *options);
  command->callback([options, &action] {
    action = [options] { return ProjectCommand(*options); };
  });
}

}  // namespace zeroulp::cli
