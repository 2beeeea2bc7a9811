#include "app/preview.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/failure.hpp"
#include "core/errors.hpp"

namespace pawl::app {

namespace {

constexpr std::size_t parents_max =
    16;  // streams above streams; a source file cannot nest deeper in earnest

}  // namespace

Preview::Preview(std::shared_ptr<const core::SourceFile> source, DryPages pages, std::map<std::string, std::string> given)
    : source_(std::move(source)), pages_(std::move(pages)), given_(std::move(given)) {}

core::Task<DryPage> Preview::page(const core::Stream& stream) {
    std::string parent = "{}";
    std::vector<std::string> notes;
    const auto way = way_down_to(stream);
    for (std::size_t i = 0; i + 1 < way.size(); ++i) {
        const auto seen = co_await fetch(way[i].stream, slice_of(*way[i].stream, parent));
        parent = row_for(*way[i + 1].stream, seen, way[i].table);
        notes.push_back("parent row from " + way[i].stream->name + ": " + parent);
    }
    auto page = co_await fetch(&stream, slice_of(stream, parent));
    page.notes = std::move(notes);
    co_return page;
}

std::string Preview::row_for(const core::Stream& child, const DryPage& seen,
                             const std::string& table) const {
    for (const auto& rows : seen.rows.emits) {
        if (seen.stream->emits[rows.emit].table != table) continue;
        const auto found = rows_with(rows, child.parent_columns, 1);
        if (!found.empty()) return found.front();
    }
    throw UsageError("the first page of stream '" + seen.stream->name +
                     "' has no row for stream '" + child.name + "': give its values, --set " +
                     child.parent_columns.front() + "=VALUE");
}

core::Task<DryPage> Preview::fetch(const core::Stream* stream, core::SliceDescriptor slice) {
    const std::optional<std::string> first;
    auto page = co_await pages_.page(stream, std::move(slice), first);
    must_be_page(page);
    co_return page;
}

core::Task<DryPage> Preview::again(const core::Stream& stream, core::SliceDescriptor slice,
                                   std::optional<std::string> cursor) {
    const auto* asked = &stream;
    auto page = co_await pages_.page(asked, std::move(slice), std::move(cursor));
    must_be_page(page);
    co_return page;
}

core::SliceDescriptor Preview::slice_of(const core::Stream& stream,
                                        const std::string& parent) const {
    core::SliceDescriptor slice;
    slice.stream = stream.name;
    slice.request_hash = stream.request_hash;
    if (stream.foreach_.kind == core::Foreach::Kind::list) {
        if (stream.foreach_.entries() == 0)
            throw core::ConfigError("stream '" + stream.name + "': its list is empty");
        slice.list = add_given(stream.foreach_.entry(0));
    } else if (stream.foreach_.kind != core::Foreach::Kind::once) {
        slice.parent = add_given(parent);
        if (stream.foreach_.entries() > 0) slice.list = stream.foreach_.entry(0);
    }
    return slice;
}

/// The streams that must be asked for one row each, from the first that needs no row down to
/// `stream` itself.
std::vector<Preview::Step> Preview::way_down_to(const core::Stream& stream) const {
    std::vector<Step> way{{&stream, ""}};
    while (!is_given(*way.front().stream)) {
        const auto& lowest = *way.front().stream;
        const auto next = above(lowest);
        if (!next || way.size() > parents_max)
            throw UsageError("stream '" + lowest.name + "' is asked for rows of table '" +
                             lowest.foreach_.table +
                             "', which no other stream writes: give their values, --set " +
                             lowest.parent_columns.front() + "=VALUE");
        way.insert(way.begin(), *next);
    }
    return way;
}

/// The stream whose rows `stream` is asked for: the parent, or for a table the first other stream
/// that writes it.
std::optional<Preview::Step> Preview::above(const core::Stream& stream) const {
    const auto& foreach_ = stream.foreach_;
    if (foreach_.kind == core::Foreach::Kind::stream) {
        const auto* parent = source_->find(foreach_.stream);
        if (parent == nullptr) return std::nullopt;
        return Step{parent, foreach_.table.empty() ? parent->emits.front().table : foreach_.table};
    }
    for (const auto& other : source_->streams)
        for (const auto& emit : other.emits)
            if (other.name != stream.name && emit.table == foreach_.table)
                return Step{&other, emit.table};
    return std::nullopt;
}

/// True when no parent row is needed: there is none, or the command line has all of its values.
bool Preview::is_given(const core::Stream& stream) const {
    const auto kind = stream.foreach_.kind;
    return kind == core::Foreach::Kind::once || kind == core::Foreach::Kind::list ||
           std::all_of(stream.parent_columns.begin(), stream.parent_columns.end(),
                       [&](const std::string& name) { return given_.contains(name); });
}

/// `json` with the values given on the command line in it; what looks like a number is one.
std::string Preview::add_given(const std::string& json) const {
    auto object = nlohmann::ordered_json::parse(json);
    for (const auto& [name, value] : given_) {
        auto parsed = nlohmann::ordered_json::parse(value, nullptr, false);
        object[name] = parsed.is_number() ? parsed : nlohmann::ordered_json(value);
    }
    return object.dump();
}

}  // namespace pawl::app
