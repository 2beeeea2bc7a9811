#include <fmt/format.h>

#include <limits>

#include "core/duration.hpp"
#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

constexpr std::int64_t day = 86'400'000'000;

/// Reads times or numbers: which of them, the first value decides that can only be one.
class IncrementalReader {
  public:
    IncrementalReader(const MapReader& map, Incremental& into, Problems& problems)
        : map_(map), incremental_(into), problems_(problems) {}

    void read_kind_of_marks() {
        const YamlNode* format = map_.find("format");
        const std::string text = format == nullptr ? "" : map_.text("format");
        incremental_.hex = text == "hex";
        incremental_.numeric = incremental_.hex || text == "number" || (format == nullptr && has_number());
        if (format == nullptr || incremental_.numeric) return;
        try {
            incremental_.format = TimeFormat::compile(text, TimeFormat::Use::write);
        } catch (const ExpressionError& error) {
            add_expression_problem(*format, "format", error, problems_);
        }
    }

    /// A time or a number.
    std::optional<std::int64_t> point(std::string_view name) const {
        const YamlNode* node = map_.find(name);
        if (node == nullptr) return std::nullopt;
        const auto found = node->is_scalar() ? point_of(node->text) : std::nullopt;
        if (!found)
            add_wrong_type(*node, name, incremental_.numeric ? "a whole number" : "a time such as 2020-01-01 or 2020-01-01T00:00:00Z",
                           problems_);
        return found;
    }

    std::optional<std::int64_t> point_of(const std::string& text) const {
        return incremental_.numeric ? parse_number(text) : parse_time_text(text, nullptr);
    }

    /// A duration or a number.
    std::int64_t length(std::string_view name, std::int64_t least, std::int64_t fallback) const {
        const YamlNode* node = map_.find(name);
        if (node == nullptr) return fallback;
        std::optional<std::int64_t> found;
        if (node->is_scalar() && incremental_.numeric) found = parse_whole_number(node->text);
        if (node->is_scalar() && !incremental_.numeric)
            if (const auto duration = parse_duration(node->text)) found = duration->count();
        if (found && *found >= least) return *found;
        add_wrong_type(*node, name,
                       incremental_.numeric ? fmt::format("a whole number, at least {}", least)
                                            : std::string("a duration such as 7d or 1h"),
                       problems_);
        return fallback;
    }

    /// What the format can tell apart, unless the file says it.
    std::int64_t granularity() const {
        constexpr std::int64_t second = 1'000'000, milli = 1'000;
        std::int64_t finest = incremental_.numeric ? 1 : second;
        if (!incremental_.numeric && incremental_.format) {
            // A format that writes noon as it writes midnight knows days only.
            constexpr std::int64_t noon = day / 2;
            const auto same = [&](std::int64_t a, std::int64_t b) {
                return incremental_.format->write(a, nullptr) == incremental_.format->write(b, nullptr);
            };
            finest = same(0, noon) ? day : same(0, second / 2) ? second : same(0, milli / 2) ? milli : 1;
        }
        return length("granularity", 1, finest);
    }

  private:
    bool has_number() const {
        for (const std::string_view name : {"start", "end", "step", "lookback", "granularity"}) {
            const YamlNode* node = map_.node().find(name);
            if (node != nullptr && node->is_scalar() && !node->quoted && parse_number(node->text) && node->text != "0") return true;
        }
        return false;
    }

    const MapReader& map_;
    Incremental& incremental_;
    Problems& problems_;
};

void read_field(const MapReader& map, Incremental& incremental) {
    (void)map.require("field", "which value of a record says how new it is?");
    incremental.field = map.expression("field");
}

void read_since(const MapReader& map, Incremental& incremental, Problems& problems) {
    read_field(map, incremental);
    if (const YamlNode* into = map.require("into", "which parameter takes it?"))
        incremental.into = read_into(*into, "into", problems);
    IncrementalReader reader{map, incremental, problems};
    reader.read_kind_of_marks();
    incremental.start = reader.point("start");
    incremental.lookback = reader.length("lookback", 0, 0);
    incremental.granularity = reader.granularity();
}

void read_newest_first(const MapReader& map, Incremental& incremental, Problems& problems) {
    read_field(map, incremental);
    IncrementalReader reader{map, incremental, problems};
    reader.read_kind_of_marks();
    incremental.lookback = reader.length("lookback", 0, 0);
}

/// A time or number, or a value of the parent row or list entry.
void read_end(const MapReader& map, const IncrementalReader& reader, Incremental& incremental, Problems& problems) {
    const YamlNode* node = map.find("end");
    if (node == nullptr) return;
    if (node->is_scalar()) incremental.end = reader.point_of(node->text);
    if (incremental.end) return;
    incremental.end_value = map.expression("end");
    if (incremental.end_value && incremental.end_value->uses_response())
        problems.add(node->at, "\"end\" must be known before anything is asked",
                     "it is a time, a number, parent.NAME or list.NAME");
}

void read_window(const MapReader& map, Incremental& incremental, Problems& problems) {
    if (const YamlNode* into = map.find("from_into")) incremental.from_into = read_into(*into, "from_into", problems);
    if (const YamlNode* into = map.find("to_into")) incremental.to_into = read_into(*into, "to_into", problems);
    IncrementalReader reader{map, incremental, problems};
    reader.read_kind_of_marks();
    if (map.require("start", "where does the history begin?") != nullptr) incremental.start = reader.point("start");
    (void)map.require("step", "how long is a window?");
    read_end(map, reader, incremental, problems);
    incremental.granularity = reader.granularity();
    incremental.step = reader.length("step", 1, std::max(day, incremental.granularity));
    incremental.lookback = reader.length("lookback", 0, 0);
    incremental.inclusive = map.boolean("inclusive", false);
    incremental.newest_windows_first = map.choice("order") == "newest_first";
    if (incremental.step % incremental.granularity != 0)
        problems.add(map.at(), "\"step\" must be a multiple of what the API tells apart",
                     "which \"granularity\" or \"format\" says");
    if (incremental.numeric && !incremental.end && !incremental.end_value)
        problems.add(map.at(), "\"end\" is missing: numbers have no now");
}

/// True where a request differs from window to window.
bool asks_for_window(const Stream& stream) {
    if (stream.url.empty()) return true;  // a problem already
    if (!stream.incremental->from_into.empty() || !stream.incremental->to_into.empty() || stream.url.uses_window()) return true;
    std::vector<Template> templates;
    stream.body.root.add_templates(templates);
    for (const auto& [name, value] : stream.query) templates.push_back(value);
    for (const auto& [name, value] : stream.headers) templates.push_back(value);
    return std::any_of(templates.begin(), templates.end(), [](const Template& text) { return text.uses_window(); });
}

void check_fit(const MapReader& map, const Stream& stream, Problems& problems) {
    const bool window = stream.incremental->kind == Incremental::Kind::window;
    if (window && !map.has("from_into") && !map.has("to_into") && !asks_for_window(stream))
        problems.add(map.at(), "nothing tells the API which window is asked for",
                     "\"from_into\", \"to_into\", or {window.start} in \"path\" or \"query\"");
    for (const Emit& emit : stream.emits) {
        if (!emit.replace_by.empty() || emit.sweeps())
            problems.add(map.at(), fmt::format("table \"{}\" has \"{}\", and an incremental walk does not see all of its rows",
                                               emit.table, emit.replace_by.empty() ? "absent" : "replace_by"));
        if (emit.key.empty() && window && stream.incremental->lookback > 0)
            problems.add(map.at(), fmt::format("\"lookback\" reads records again, so table \"{}\" needs a \"key\"", emit.table));
        if (emit.key.empty() && !window)
            problems.add(map.at(), fmt::format("what is at the mark comes again, so table \"{}\" needs a \"key\"", emit.table));
    }
}

}  // namespace

void read_incremental(const MapReader& stream_map, Stream& stream, Problems& problems) {
    using Kind = Incremental::Kind;
    const auto map = stream_map.open("incremental");
    const bool splits = stream.paginate.on_max == Pagination::OnMax::split;
    if (map) {
        const auto which = map->one_of({"since", "window", "newest_first"});
        if (!which) problems.add(map->at(), "\"since\", \"window\" or \"newest_first\" is missing: how is the new told from the old?");
        const auto inner = which ? map->open(*which) : std::nullopt;
        if (inner) {
            Incremental& incremental = stream.incremental.emplace();
            incremental.kind = which == "since" ? Kind::since : which == "window" ? Kind::window : Kind::newest_first;
            if (which == "since") read_since(*inner, incremental, problems);
            if (which == "window") read_window(*inner, incremental, problems);
            if (which == "newest_first") read_newest_first(*inner, incremental, problems);
            check_fit(*inner, stream, problems);
        }
    }
    if (!splits) return;
    const Position at = stream_map.node().nearest({"paginate"}).at;
    const bool window = stream.incremental && stream.incremental->kind == Kind::window;
    if (!window) problems.add(at, "\"on_max: split\" splits windows, and the stream has no \"incremental: {window: …}\"");
    for (const Emit& emit : stream.emits)
        if (window && emit.key.empty())
            problems.add(at, fmt::format("\"on_max: split\" reads records again, so table \"{}\" needs a \"key\"", emit.table));
}

}  // namespace pawl::core::reading
