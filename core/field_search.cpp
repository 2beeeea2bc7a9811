#include "core/field_search.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/diagnostics.hpp"

namespace pawl::core {

namespace {

using Steps = std::vector<std::string>;

constexpr std::size_t words_max = 256;  // longer than any path with names in it; bounds the work

/// The steps of a path without what tells a list: "limits[].match" is limits, match.
Steps steps_of(std::string_view path) {
    Steps steps;
    while (!path.empty()) {
        const std::size_t dot = path.find('.');
        const std::string_view step = path.substr(0, dot);
        steps.emplace_back(step.substr(0, step.find('[')));
        path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
    }
    return steps;
}

/// How well a path fits: steps told literally, and how many `*` of it were left out.
struct Fit {
    int literal = 0;
    int left_out = 0;
    [[nodiscard]] bool is_better_than(const Fit& other) const {
        return literal != other.literal ? literal > other.literal : left_out < other.left_out;
    }
};

/// A `*` stands for any name, or is left out: `streams.paginate` is `streams.*.paginate`, not a stream of that name.
std::optional<Fit> fit_of(const Steps& known, std::size_t i, const Steps& given, std::size_t j) {
    if (i == known.size()) return j == given.size() ? std::optional<Fit>(Fit{}) : std::nullopt;
    std::optional<Fit> best;
    const auto offer = [&](std::optional<Fit> fit, int literal, int left_out) {
        if (!fit) return;
        *fit = {fit->literal + literal, fit->left_out + left_out};
        if (!best || fit->is_better_than(*best)) best = fit;
    };
    if (j < given.size() && known[i] == given[j]) offer(fit_of(known, i + 1, given, j + 1), 1, 0);
    if (known[i] != "*") return best;
    if (j < given.size()) offer(fit_of(known, i + 1, given, j + 1), 0, 0);
    offer(fit_of(known, i + 1, given, j), 0, 1);
    return best;
}

/// The row that `given` is the whole path of; of several the one that leaves least to `*`.
const Field* with_path(const Steps& given) {
    const Field* best = nullptr;
    Fit best_fit;
    for (const Field& field : source_fields()) {
        const auto fit = fit_of(steps_of(field.path), 0, given, 0);
        if (!fit || (best != nullptr && !fit->is_better_than(best_fit))) continue;
        best = &field;
        best_fit = *fit;
    }
    return best;
}

/// True where `known` ends with `given`; a name that anything may stand for is none that leads here.
bool ends_with(const Steps& known, const Steps& given) {
    const auto is_step = [](const std::string& one, const std::string& other) { return one == other || other == "*"; };
    return given.size() < known.size() && given.front() != "*" && known[known.size() - given.size()] == given.front() &&
           std::equal(given.rbegin(), given.rend(), known.rbegin(), is_step);
}

/// The path with its first wrong step replaced by the nearest name there; where none is near, the nearest of all paths.
std::string hint_for(std::string_view words, const Steps& given) {
    std::size_t right = given.size() - 1;  // steps that lead to a row
    const Field* above = nullptr;
    for (; right > 0; --right) {
        above = with_path({given.begin(), given.begin() + static_cast<std::ptrdiff_t>(right)});
        if (above != nullptr) break;
    }
    const std::string_view from = above == nullptr ? "" : above->path;
    std::vector<std::string> names;
    for (const Field* child : source_field_children(from)) names.push_back(steps_of(child->path).back());
    if (const auto near = closest(given[right], names); !near.empty()) {
        std::string path;
        for (std::size_t i = 0; i < given.size(); ++i) path += (i == 0 ? "" : ".") + (i == right ? near : given[i]);
        return "did you mean \"" + path + "\"?";
    }
    std::vector<std::string> all;
    for (const Field& field : source_fields()) {
        all.emplace_back(field.path);
        all.push_back(steps_of(field.path).back());
    }
    if (auto hint = did_you_mean(words, all); !hint.empty()) return hint;
    return did_you_mean(given.back(), all);
}

/// Where the last word is taken for a name of the person's own: the name below it that it may have been meant to be.
std::string hint_below(const Field& field, const Steps& given) {
    if (!field.path.ends_with('*')) return "";
    std::vector<std::string> names;
    for (const Field* child : source_field_children(field.path)) names.push_back(steps_of(child->path).back());
    const auto near = closest(given.back(), names);
    return near.empty() ? "" : "did you mean \"" + std::string(field.path) + "." + near + "\"?";
}

}  // namespace

FieldSearch find_field(std::string_view words) {
    FieldSearch search;
    const Steps given = steps_of(words);
    if (given.empty() || words.size() > words_max) return search;
    if (const Field* field = with_path(given)) {
        search.found.push_back(field);
        search.hint = hint_below(*field, given);
        return search;
    }
    for (const Field& field : source_fields())
        if (ends_with(steps_of(field.path), given)) search.found.push_back(&field);
    if (search.found.empty()) search.hint = hint_for(words, given);
    return search;
}

}  // namespace pawl::core
