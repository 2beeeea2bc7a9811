#include "storage/mapping_changes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "storage/identifier.hpp"
#include "storage/table_shape.hpp"

namespace pawl::storage {

namespace {

using TableSet = std::set<std::string>;  // "schema.table", as a person writes it

std::string shown_key(const Key& key) { return key.empty() ? "no key" : fmt::format("the key [{}]", fmt::join(key, ", ")); }

bool is_same_key(Key a, Key b) {
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    return a == b;
}

bool has_key(const std::vector<Key>& keys, const Key& wanted) {
    return std::any_of(keys.begin(), keys.end(), [&](const Key& key) { return is_same_key(key, wanted); });
}

/// The key of the table as it is, where rows under `wanted` cannot go into it.
const Key* other_key(const KeyFacts& table, const Key& wanted) {
    static const Key none;
    if (!table.exists) return nullptr;
    if (!wanted.empty()) {
        if (has_key(table.unique_keys, wanted)) return nullptr;
        return table.unique_keys.empty() ? &none : &table.unique_keys.front();
    }
    // Without a key rows are appended: a key of pawl's own making would refuse the second walk. One that somebody else put
    // there (a number of its own) does not.
    for (const Key& key : table.unique_keys)
        if (has_key(table.mapped_keys, key)) return &key;
    return nullptr;
}

std::vector<std::string> writers_of(const core::SourceFile& source, const std::string& table) {
    std::vector<std::string> writers;
    for (const core::Stream& stream : source.streams)
        if (std::any_of(stream.emits.begin(), stream.emits.end(), [&](const auto& emit) { return emit.table == table; }))
            writers.push_back(stream.name);
    return writers;
}

std::int64_t open_of(const MappingFacts& facts, const std::vector<std::string>& streams) {
    std::int64_t open = 0;
    for (const std::string& stream : streams)
        if (const auto found = facts.open_slices.find(stream); found != facts.open_slices.end()) open += found->second;
    return open;
}

std::string refused_key(const core::SourceFile& source, const MappingFacts& facts, const std::string& table, const Key& old_key,
                        const Key& new_key) {
    const auto writers = writers_of(source, table);
    const std::string back =
        old_key.empty() ? "take the key away again" : fmt::format("change the key back to [{}]", fmt::join(old_key, ", "));
    return fmt::format(
        "{0}: stream {1}: the table {2}.{3} has {4} in Postgres, but {5} in the file. Rows of both cannot be in one table, so "
        "nothing was changed. Open slices: {6}. One of these:\n"
        "  - give the table another name in the file: {2}.{3} stays as it is, the new one is filled anew\n"
        "  - pawl forget {7} {8} --drop-table: the table and its rows are gone, and all of it is asked for again\n"
        "  - {9}",
        source.file, fmt::join(writers, ", "), source.schema, table, shown_key(old_key), shown_key(new_key),
        open_of(facts, writers), source.name, fmt::join(writers, " "), back);
}

TableSet tables_of(const core::SourceFile& source, const core::Stream& stream) {
    TableSet tables;
    for (const core::Emit& emit : stream.emits) tables.insert(source.schema + "." + emit.table);
    return tables;
}

TableSet tables_of(const std::vector<MappedEmit>& emits) {
    TableSet tables;
    for (const MappedEmit& emit : emits) tables.insert(emit.schema + "." + emit.table);
    return tables;
}

TableSet without(const TableSet& all, const TableSet& some) {
    TableSet left;
    std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::inserter(left, left.end()));
    return left;
}

/// The rest of such a walk would go elsewhere than its beginning. A table more, or less, splits none.
bool is_moved(const TableSet& before, const TableSet& now) {
    return !without(before, now).empty() && !without(now, before).empty();
}

std::string told_move(const core::SourceFile& source, const core::Stream& stream, const MappingFacts& facts,
                      const TableSet& left, const TableSet& fresh) {
    std::string text = fmt::format("{}: stream {} does not write {} any more; the rows stay there", source.file, stream.name,
                                   fmt::join(left, ", "));
    if (!fresh.empty())
        text += fmt::format(
            ". What comes from now on goes to {}; what the API calls unchanged does not come again: pawl "
            "reset {} {} asks for all of it anew",
            fmt::join(fresh, ", "), source.name, stream.name);
    return text + fmt::format(". Open slices: {}", open_of(facts, {stream.name}));
}

std::string refused_split(const core::SourceFile& source, const MappingFacts& facts, const BegunSlices& begun,
                          const TableSet& before, const TableSet& now) {
    return fmt::format(
        "{}: stream {}: {} of {} open slices have stored pages in {}, and the rest of them would go to {}: one walk in two "
        "tables. Nothing was changed. One of these:\n"
        "  - let them end first, with the file as it was: pawl backfill {} {}\n"
        "  - --accept-changes: these slices are cancelled and asked for from page one, so that {} gets whole walks; rows in {} "
        "stay\n"
        "  - change the table back",
        source.file, begun.stream, begun.slices, open_of(facts, {begun.stream}), fmt::join(without(before, now), ", "),
        fmt::join(without(now, before), ", "), source.name, begun.stream, fmt::join(without(now, before), ", "),
        fmt::join(without(before, now), ", "));
}

void append_line(std::string& text, const std::string& line) { text += (text.empty() ? "" : "\n") + line; }

}  // namespace

MappingVerdict judge_mappings(const core::SourceFile& source, const MappingFacts& facts) {
    MappingVerdict verdict;
    for (const std::string& table : table_names(source)) {
        const auto found = facts.tables.find(quoted_table(source.schema, table));
        if (found == facts.tables.end()) continue;
        const Key wanted = shape_of(source, table).primary_key();
        if (const Key* old_key = other_key(found->second, wanted))
            append_line(verdict.refusal, refused_key(source, facts, table, *old_key, wanted));
    }
    for (const core::Stream& stream : source.streams) {
        const auto before = facts.in_force.find(stream.name);
        if (before == facts.in_force.end()) continue;
        const TableSet now = tables_of(source, stream), old = tables_of(before->second);
        const TableSet left = without(old, now);
        if (!left.empty()) verdict.warnings.push_back(told_move(source, stream, facts, left, without(now, old)));
    }
    for (const BegunSlices& begun : facts.begun) {
        const core::Stream* stream = source.find(begun.stream);
        if (stream == nullptr) continue;  // its slices are cancelled anyway
        const TableSet now = tables_of(source, *stream), old = tables_of(begun.emits);
        if (!is_moved(old, now)) continue;
        append_line(verdict.split, refused_split(source, facts, begun, old, now));
        verdict.moved.push_back(begun);
    }
    return verdict;
}

}  // namespace pawl::storage
