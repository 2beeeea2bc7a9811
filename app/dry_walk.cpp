#include "app/dry_walk.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "core/incremental.hpp"
#include "core/redact.hpp"

namespace pawl::app {

namespace {

bool fills(const core::Stream& stream, const std::string& table) {
    return std::any_of(stream.emits.begin(), stream.emits.end(),
                       [&](const core::Emit& emit) { return emit.table == table; });
}

/// True where rows of `emit`, one of `parent`'s, become partitions of `child`.
bool leads_to(const core::Stream& parent, const core::Emit& emit, const core::Stream& child) {
    if (child.foreach_.kind == core::Foreach::Kind::table) return emit.table == child.foreach_.table;
    return core::feeds(parent, emit, child);
}

/// True where `child` cannot be asked for before `parent` was.
bool waits_for(const core::Stream& child, const core::Stream& parent) {
    if (&child == &parent) return false;
    const auto& foreach_ = child.foreach_;
    if (foreach_.kind == core::Foreach::Kind::stream) return foreach_.stream == parent.name;
    return foreach_.kind == core::Foreach::Kind::table && fills(parent, foreach_.table);
}

bool is_child(const core::Stream& stream) {
    return stream.foreach_.kind == core::Foreach::Kind::stream || stream.foreach_.kind == core::Foreach::Kind::table;
}

void add_with_parents(const core::SourceFile& source, const core::Stream& stream, std::vector<const core::Stream*>& into) {
    if (std::find(into.begin(), into.end(), &stream) != into.end()) return;
    into.push_back(&stream);
    for (const auto& other : source.streams)
        if (waits_for(stream, other)) add_with_parents(source, other, into);
}

}  // namespace

std::vector<const core::Stream*> parents_first(const core::SourceFile& source) {
    std::vector<const core::Stream*> left, ordered;
    for (const auto& stream : source.streams) left.push_back(&stream);
    while (!left.empty()) {
        const auto is_ready = [&](const core::Stream* child) {
            return std::none_of(left.begin(), left.end(), [&](const core::Stream* parent) { return waits_for(*child, *parent); });
        };
        auto next = std::find_if(left.begin(), left.end(), is_ready);
        if (next == left.end()) next = left.begin();  // tables that fill each other
        ordered.push_back(*next);
        left.erase(next);
    }
    return ordered;
}

std::vector<const core::Stream*> with_parents(const core::SourceFile& source, const core::Stream& stream) {
    std::vector<const core::Stream*> needed;
    add_with_parents(source, stream, needed);
    auto ordered = parents_first(source);
    std::erase_if(ordered, [&](const core::Stream* one) { return std::find(needed.begin(), needed.end(), one) == needed.end(); });
    return ordered;
}

DryWalk::DryWalk(std::shared_ptr<const core::SourceFile> source, DryPages pages, DryBounds bounds, std::int64_t begun,
                 std::function<void(const DryPage&)> found)
    : source_(std::move(source)), pages_(std::move(pages)), bounds_(bounds), begun_(begun), found_(std::move(found)) {}

core::Task<> DryWalk::walk(std::vector<const core::Stream*> streams) {
    for (const auto* stream : streams) co_await walk_stream(stream);
}

core::Task<> DryWalk::walk_stream(const core::Stream* stream) {
    auto slices = slices_of(*stream);
    if (slices.empty()) failures_.push_back({stream->name, "no row of the streams above it has all values that it uses"});
    for (auto& slice : slices) co_await walk_slice(stream, std::move(slice));
}

core::Task<> DryWalk::walk_slice(const core::Stream* stream, core::SliceDescriptor slice) {
    std::optional<std::string> cursor;
    for (std::size_t pages = 1; pages <= bounds_.pages; ++pages) {
        auto page = co_await ask(stream, slice, cursor);
        if (!page) co_return;
        found_(*page);
        if (page->ending) co_return;
        keep_parents(*page);
        cursor = page->following.cursor;
        if (!cursor || collector::reached_bound(*stream, static_cast<std::int64_t>(pages))) co_return;
    }
}

core::Task<std::optional<DryPage>> DryWalk::ask(const core::Stream* stream, core::SliceDescriptor slice,
                                                std::optional<std::string> cursor) {
    try {
        auto page = co_await pages_.page(stream, std::move(slice), std::move(cursor));
        co_return std::optional<DryPage>(std::move(page));
    } catch (const core::TransientError& error) {
        failures_.push_back({stream->name, core::redact(error.what())});
    } catch (const core::PermanentError& error) {
        failures_.push_back({stream->name, core::redact(error.what())});
    }
    co_return std::nullopt;
}

std::vector<core::SliceDescriptor> DryWalk::slices_of(const core::Stream& stream) const {
    std::vector<std::string> parents{"{}"};
    if (is_child(stream)) {
        const auto known = parents_.find(stream.name);
        parents = known == parents_.end() ? std::vector<std::string>{} : known->second;
    }
    const auto entries = stream.foreach_.factors.empty() ? 1 : stream.foreach_.entries();
    std::vector<core::SliceDescriptor> slices;
    std::size_t partitions = 0;
    for (const auto& parent : parents)
        for (std::int64_t entry = 0; entry < entries && partitions < bounds_.partitions; ++entry, ++partitions) {
            core::SliceDescriptor slice;
            slice.stream = stream.name;
            slice.request_hash = stream.request_hash;
            slice.begun = begun_;
            slice.parent = parent;
            if (!stream.foreach_.factors.empty()) slice.list = stream.foreach_.entry(entry);
            if (!stream.incremental) {
                slices.push_back(std::move(slice));
                continue;
            }
            const auto end = core::windows_end(*stream.incremental, slice.parent, slice.list);
            const auto due = core::windows_due(*stream.incremental, std::nullopt, begun_, end);
            for (std::size_t i = 0; i < std::min(due.windows.size(), bounds_.partitions); ++i) {
                slice.window = due.windows[i];
                slices.push_back(slice);
            }
        }
    return slices;
}

void DryWalk::keep_parents(const DryPage& page) {
    for (const auto& child : source_->streams)
        for (const auto& rows : page.rows.emits) {
            if (!is_child(child) || !leads_to(*page.stream, page.stream->emits[rows.emit], child)) continue;
            auto& known = parents_[child.name];
            for (auto& row : rows_with(rows, child.parent_columns, bounds_.partitions))
                if (known.size() < bounds_.partitions && std::find(known.begin(), known.end(), row) == known.end())
                    known.push_back(std::move(row));
        }
}

}  // namespace pawl::app
