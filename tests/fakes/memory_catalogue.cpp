#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "core/identity.hpp"
#include "tests/fakes/memory_store.hpp"

namespace pawl::test {

using core::SliceClass;
using core::Task;
using Partition = MemoryStore::Partition;
using Slice = MemoryStore::Slice;

namespace {

bool is_asked(const std::vector<std::string>& streams, const std::string& stream) {
    return streams.empty() || std::find(streams.begin(), streams.end(), stream) != streams.end();
}

std::string request_of(const core::SourceFile& source, const std::string& stream) {
    const auto* found = source.find(stream);
    return found ? found->request_hash : "";
}

// A scalar entry is an object of one member, whose text is the key; others are known by their whole.
std::string part_of(const std::string& entry) {
    const auto json = nlohmann::json::parse(entry);
    if (json.empty()) return "";
    if (json.size() > 1) return json.dump();
    const auto& value = *json.begin();
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::vector<std::string> entries_of(const core::Foreach& foreach_) {
    std::vector<std::string> entries;
    for (std::int64_t i = 0; i < foreach_.entries(); ++i) entries.push_back(foreach_.entry(i));
    return entries;
}

std::string config_of(const core::SourceFile& source) {
    nlohmann::json whole = nlohmann::json::array();
    for (const auto& stream : source.streams)
        whole.push_back({stream.name, stream.request_hash, stream.mapping_hash, entries_of(stream.foreach_)});
    return whole.dump();
}

}  // namespace

Slice& MemoryStore::begin_slice(Held& state, const Partition& partition, std::string request_hash, SliceClass slice_class,
                                core::Link genesis, core::Window window, std::int64_t now) {
    Slice slice;
    slice.id = state.next_slice++;
    slice.partition = partition.id;
    slice.stream = partition.stream;
    slice.request_hash = std::move(request_hash);
    slice.parent = partition.parent;
    slice.walk = partition.walk;
    slice.slice_class = slice_class;
    slice.genesis = slice.tip_link = genesis;
    slice.window = window;
    slice.begun = now;
    return state.slices[slice.id] = slice;
}

void MemoryStore::begin_walk(Held& state, Partition& partition, const core::Stream* stream, SliceClass slice_class) {
    const auto hash = stream ? stream->request_hash : std::string();
    ++partition.walk;
    partition.next_due.reset();
    std::vector<core::Window> windows{{}};
    if (stream && stream->incremental) {
        const auto& incremental = *stream->incremental;
        if (partition.mark_of != incremental.identity()) partition.mark.reset();
        partition.mark_of = incremental.identity();
        const auto end = core::windows_end(incremental, partition.parent, partition.list);
        auto due = core::windows_due(incremental, partition.mark, now_us(), end);
        partition.mark_after = due.mark_after;
        partition.open_windows = static_cast<int>(due.windows.size());
        windows = std::move(due.windows);
        if (windows.empty()) partition.last_finished = now_us();
    }
    for (const auto& window : windows)
        begin_slice(state, partition, hash, slice_class, core::Link::random(random), window, now_us());
    partition.walking = !windows.empty();
}

std::string part_of(const core::Foreach& foreach_, std::int64_t index) {
    if (foreach_.factors.empty()) return "";
    auto keys = nlohmann::json::array();
    for (auto factor = foreach_.factors.rbegin(); factor != foreach_.factors.rend(); ++factor) {
        const auto entry = factor->entry(index % factor->size());
        index /= factor->size();
        keys.insert(keys.begin(), factor->range ? nlohmann::json::parse(entry).at(factor->range->as).dump() : part_of(entry));
    }
    if (keys.size() == 1) return keys[0].get<std::string>();
    std::string text;
    for (const auto& key : keys) text += (text.empty() ? "[" : ", ") + key.dump();
    return text + "]";
}

std::string combined_part(const core::Foreach& foreach_, const std::string& row, std::int64_t index) {
    if (foreach_.factors.empty()) return row;
    // As jsonb writes it, with a blank behind the comma.
    return "[" + nlohmann::json(row).dump() + ", " + nlohmann::json(part_of(foreach_, index)).dump() + "]";
}

MemoryCatalogue::~MemoryCatalogue() {
    if (store_.planner == this) store_.planner = nullptr;
}

Task<storage::Registration> MemoryCatalogue::register_source(std::shared_ptr<const core::SourceFile> source) {
    auto& held = store_.held;
    source_ = source;
    storage::Registration registration;
    registration.instance = store_.instance;
    registration.source_id = 1;
    if (const auto config = config_of(*source); held.config != config) {
        held.config = config;
        ++held.epoch;
    }
    registration.epoch = held.epoch;
    for (auto slice = held.slices.begin(); slice != held.slices.end();) {
        if (request_of(*source, slice->second.stream) == slice->second.request_hash) {
            ++slice;
            continue;
        }
        registration.cancelled.push_back(slice->first);
        auto& partition = held.partitions.at(slice->second.partition);
        partition.walking = false;
        partition.open_windows = 0;
        if (partition.active) partition.next_due = store_.now_us();
        slice->second.state = slice->second.outcome = "cancelled";
        held.done.insert(*slice);
        slice = held.slices.erase(slice);
    }
    std::set<std::pair<std::string, std::string>> wanted;
    for (const auto& stream : source->streams) {
        const bool in_file = stream.foreach_.kind == core::Foreach::Kind::once || stream.foreach_.kind == core::Foreach::Kind::list;
        for (std::int64_t i = 0; in_file && i < stream.foreach_.entries(); ++i) {
            const auto entry = stream.foreach_.entry(i);
            const auto part = part_of(stream.foreach_, i);
            wanted.emplace(stream.name, part);
            const auto known = std::find_if(held.partitions.begin(), held.partitions.end(), [&](const auto& one) {
                return one.second.stream == stream.name && one.second.part == part;
            });
            if (known == held.partitions.end()) {
                Partition made;
                made.id = held.next_partition++;
                made.stream = stream.name;
                made.part = part;
                made.list = entry;
                made.next_due = store_.now_us();
                held.partitions[made.id] = made;
                continue;
            }
            auto& partition = known->second;
            partition.list = entry;
            if (!std::exchange(partition.active, true) && !partition.walking) partition.next_due = store_.now_us();
        }
    }
    for (auto& [id, partition] : held.partitions) {
        const auto* stream = source->find(partition.stream);
        const bool is_own = stream && stream->foreach_.kind != core::Foreach::Kind::stream;
        if (!stream || (is_own && !wanted.contains({partition.stream, partition.part}))) partition.active = false;
    }
    co_return registration;
}

Task<bool> MemoryCatalogue::hold_planner_lock(std::string) {
    if (store_.planner == nullptr) store_.planner = this;
    co_return store_.planner == this;
}

Task<> MemoryCatalogue::release_planner_lock(std::string) {
    if (store_.planner == this) store_.planner = nullptr;
    co_return;
}

Task<std::int64_t> MemoryCatalogue::fall_due(std::string, std::vector<std::string> streams) {
    std::int64_t woken = 0;
    for (auto& [id, partition] : store_.held.partitions) {
        const auto* stream = source_ ? source_->find(partition.stream) : nullptr;
        if (!stream || !is_asked(streams, partition.stream) || !partition.active || partition.walking) continue;
        if (partition.next_due && *partition.next_due <= store_.now_us()) continue;
        const auto rests = stream->refresh ? stream->refresh->count() : 0;
        if (rests > 0 && partition.last_finished && *partition.last_finished > store_.now_us() - rests) continue;
        partition.next_due = store_.now_us();
        ++woken;
    }
    co_return woken;
}

Task<std::optional<core::WallTime>> MemoryCatalogue::last_schedule(std::string) {
    auto at = store_.held.last_schedule;
    co_return at;
}

Task<> MemoryCatalogue::note_schedule(std::string, core::WallTime at) {
    store_.held.last_schedule = at;
    co_return;
}

Task<storage::Catalogue::Scan> MemoryCatalogue::scan_table(std::shared_ptr<const core::SourceFile>, std::string,
                                                           std::optional<std::string>, std::size_t, SliceClass) {
    co_return Scan{};
}

Task<std::int64_t> MemoryCatalogue::start_walks(std::string, std::vector<std::string> streams, std::size_t limit,
                                                SliceClass slice_class) {
    auto& held = store_.held;
    std::int64_t started = 0;
    for (auto& [id, partition] : held.partitions) {
        if (static_cast<std::size_t>(started) == limit) break;
        const bool due = partition.next_due && *partition.next_due <= store_.now_us();
        if (!due || partition.walking || !partition.active || !is_asked(streams, partition.stream)) continue;
        store_.begin_walk(held, partition, source_ ? source_->find(partition.stream) : nullptr, slice_class);
        ++started;
    }
    co_return started;
}

Task<std::vector<storage::DueSlice>> MemoryCatalogue::due_slices(std::string, std::vector<std::string> streams,
                                                                 core::Token epoch, std::size_t limit) {
    const auto& held = store_.held;
    std::vector<storage::DueSlice> due;
    for (const auto& [id, slice] : held.slices) {
        const bool on_offer = slice.offered_epoch == epoch && slice.offered_until >= store_.now_us();
        if (slice.state != "open" || on_offer || !is_asked(streams, slice.stream)) continue;
        const auto& partition = held.partitions.at(slice.partition);
        storage::DueSlice one;
        one.slice.slice = id;
        one.slice.partition = slice.partition;
        one.slice.stream = slice.stream;
        one.slice.part = partition.part;
        one.slice.request_hash = slice.request_hash;
        one.slice.parent = slice.parent;
        one.slice.list = partition.list;
        one.slice.slice_class = slice.slice_class;
        one.slice.revisit = partition.last_finished.has_value();
        one.slice.window = slice.window;
        one.slice.begun = slice.begun;
        one.tip = {id, slice.tip_seq, slice.tip_link, slice.tip_cursor};
        due.push_back(std::move(one));
    }
    std::stable_sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
        return std::tie(a.slice.slice_class, a.slice.slice) < std::tie(b.slice.slice_class, b.slice.slice);
    });
    if (due.size() > limit) due.resize(limit);
    co_return due;
}

Task<> MemoryCatalogue::mark_offered(std::vector<core::SliceId> slices, core::Token epoch, core::Millis quiet) {
    for (const auto id : slices) {
        const auto found = store_.held.slices.find(id);
        if (found == store_.held.slices.end()) continue;
        found->second.offered_epoch = epoch;
        found->second.offered_until = store_.now_us() + quiet.count() * 1000;
    }
    co_return;
}

Task<std::vector<core::Tip>> MemoryCatalogue::open_tips(std::vector<core::SliceId> slices) {
    std::vector<core::Tip> tips;
    std::sort(slices.begin(), slices.end());
    for (const auto id : slices) {
        const auto found = store_.held.slices.find(id);
        if (found == store_.held.slices.end() || found->second.state != "open") continue;
        tips.push_back({id, found->second.tip_seq, found->second.tip_link, found->second.tip_cursor});
    }
    co_return tips;
}

Task<std::vector<storage::Validator>> MemoryCatalogue::validators(std::int64_t partition) {
    std::vector<storage::Validator> found;
    const auto known = store_.held.partitions.find(partition);
    const auto kept = store_.held.validators.find(partition);
    if (known != store_.held.partitions.end() && kept != store_.held.validators.end())
        for (const auto& [slice, validator] : kept->second)
            if (slice == known->second.last_slice) found.push_back(validator);
    co_return found;
}

Task<storage::Catalogue::Remaining> MemoryCatalogue::remaining(std::string, std::vector<std::string> streams) {
    Remaining left;
    for (const auto& [id, slice] : store_.held.slices) {
        if (slice.state != "open" || !is_asked(streams, slice.stream)) continue;
        ++left.open_slices;
        left.offered += slice.offered_until > store_.now_us() ? 1 : 0;
    }
    for (const auto& [id, partition] : store_.held.partitions) {
        const bool due = partition.next_due && *partition.next_due <= store_.now_us();
        left.due_partitions += due && !partition.walking && partition.active && is_asked(streams, partition.stream) ? 1 : 0;
    }
    co_return left;
}

}  // namespace pawl::test
