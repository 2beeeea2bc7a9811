#include "app/record_guess.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "core/characters.hpp"

namespace pawl::app {

namespace {

using PageJson = nlohmann::json;

constexpr std::size_t arrays_depth_max = 3;

// What APIs call the list that was asked for, and lists that only come along with it.
constexpr std::array<std::string_view, 24> names_of_lists{
    "data",  "items", "results",   "records",  "entries", "values",   "value",    "list",
    "rows",  "hits",  "features",  "objects",  "content", "children", "elements", "nodes",
    "edges", "docs",  "documents", "statuses", "feed",    "posts",    "members",  "resources"};
constexpr std::array<std::string_view, 6> names_beside{"included", "errors", "links", "warnings", "facets", "aggregations"};
constexpr std::array<std::string_view, 7> names_of_keys{"id", "uuid", "guid", "ulid", "nodeid", "sha", "uid"};
constexpr std::array<std::string_view, 16> names_of_times{
    "updatedat",   "updated",   "modifiedat", "modified", "lastmodified", "lastupdated", "datemodified", "updatetime",
    "updatedtime", "updatedon", "createdat",  "created",  "publishedat",  "datecreated", "createdon",    "timestamp"};

bool is_one_of(std::string_view name, auto& names) { return std::find(names.begin(), names.end(), name) != names.end(); }

struct FoundArray {
    std::vector<std::string> steps;
    const PageJson* array = nullptr;

    [[nodiscard]] bool is_named_like_a_list() const {
        return !steps.empty() && is_one_of(core::lower(steps.back()), names_of_lists);
    }
    /// The larger array, else the one that is called like a list, else the one less deep.
    [[nodiscard]] auto rank() const {
        return std::tuple(array->size(), is_named_like_a_list(), arrays_depth_max - steps.size());
    }
};

bool holds_objects(const PageJson& array) {
    return std::all_of(array.begin(), array.end(), [](const PageJson& item) { return item.is_object(); });
}

void find_arrays(const PageJson& value, std::vector<std::string>& steps, std::vector<FoundArray>& into) {
    if (value.is_array()) {
        if (holds_objects(value)) into.push_back({steps, &value});
        return;
    }
    if (!value.is_object() || steps.size() == arrays_depth_max) return;
    for (const auto& [name, member] : value.items()) {
        if (is_one_of(core::lower(name), names_beside) || !is_fit_name(name)) continue;
        steps.push_back(name);
        find_arrays(member, steps, into);
        steps.pop_back();
    }
}

std::optional<FoundArray> array_of_records(const PageJson& document) {
    std::vector<FoundArray> arrays;
    std::vector<std::string> steps;
    find_arrays(document, steps, arrays);
    const bool is_record =
        document.is_object() && std::any_of(names_of_keys.begin(), names_of_keys.end(), [&](std::string_view name) {
            return document.contains(name) && document[std::string(name)].is_primitive();
        });
    std::erase_if(arrays, [&](const FoundArray& one) {
        const bool listed = one.steps.empty() || one.is_named_like_a_list();
        return (one.array->empty() || is_record) && !listed;  // an empty list, or a part of one record
    });
    const auto best = std::max_element(arrays.begin(), arrays.end(),
                                       [](const FoundArray& a, const FoundArray& b) { return a.rank() < b.rank(); });
    if (best == arrays.end()) return std::nullopt;
    return *best;
}

std::string counted(std::size_t count) { return std::to_string(count) + (count == 1 ? " record" : " records"); }

/// True where each record has a text or whole number there, and no two the same.
bool tells_apart(const std::vector<const PageJson*>& records, const std::string& name) {
    std::set<std::string> seen;
    for (const PageJson* record : records) {
        const auto member = record->find(name);
        if (member == record->end() || !(member->is_number_integer() || (member->is_string() && *member != ""))) return false;
        if (!seen.insert(member->dump(-1, ' ', false, PageJson::error_handler_t::replace)).second) return false;
    }
    return !records.empty();
}

/// How well a name fits a key; smaller is better. Nothing: not at all.
std::optional<std::size_t> key_rank(const std::string& name) {
    const std::string plain = plain_name(name);
    const auto known = std::find(names_of_keys.begin(), names_of_keys.end(), plain);
    if (known != names_of_keys.end()) return static_cast<std::size_t>(known - names_of_keys.begin());
    const bool ends_in_id = name.ends_with("_id") || name.ends_with("Id") || name.ends_with("ID") || name.ends_with("-id");
    if (ends_in_id) return names_of_keys.size();
    return std::nullopt;
}

void guess_key(const std::vector<const PageJson*>& records, RecordGuess& guess) {
    std::optional<std::size_t> best;
    for (const auto& name : guess.members) {
        const auto rank = key_rank(name);
        if (!rank || (best && *rank >= *best) || !tells_apart(records, name)) continue;
        best = rank;
        guess.key = name;
    }
    if (guess.key.empty())
        guess.key_why = records.empty() ? "there is no record to look at, so no key could be found"
                                        : "no id, uuid or *_id is in every record and differs in each";
    else
        guess.key_why = records.size() == 1
                            ? "it is called like a key, in the one record there is"
                            : "it is in each of the " + counted(records.size()) + ", never null, and differs in each";
}

bool is_time_text(const std::string& text) {
    constexpr std::string_view shape = "0000-00-00T00:00";
    if (text.size() < shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] == '0' ? !core::is_digit(text[i]) : text[i] != shape[i] && !(shape[i] == 'T' && text[i] == ' '))
            return false;
    return true;
}

bool is_epoch(const PageJson& value) {  // seconds, between 2001 and 2286
    return value.is_number_integer() && value > 1'000'000'000 && value < 10'000'000'000;
}

void guess_since(const std::vector<const PageJson*>& records, RecordGuess& guess) {
    std::size_t best = names_of_times.size();
    for (const auto& name : guess.members) {
        const auto known = std::find(names_of_times.begin(), names_of_times.end(), plain_name(name));
        const auto rank = static_cast<std::size_t>(known - names_of_times.begin());
        if (rank >= best) continue;
        std::size_t texts = 0, numbers = 0, others = 0;
        for (const PageJson* record : records) {
            const auto member = record->find(name);
            if (member == record->end() || member->is_null()) continue;
            (member->is_string() && is_time_text(*member) ? texts : is_epoch(*member) ? numbers : others) += 1;
        }
        if (others > 0 || texts + numbers == 0 || (texts > 0 && numbers > 0)) continue;
        best = rank;
        guess.since = name;
        guess.since_is_number = numbers > 0;
    }
}

/// `edges` of GraphQL and lists of {kind, data} hold each record one step deeper.
std::string wrapper_in(const std::vector<const PageJson*>& records) {
    for (const std::string name : {"node", "data"})
        if (!records.empty() && std::all_of(records.begin(), records.end(), [&](const PageJson* record) {
                return record->size() <= 3 && record->contains(name) && (*record)[name].is_object() && !record->contains("id");
            }))
            return name;
    return "";
}

void look_at(std::vector<const PageJson*> records, RecordGuess& guess) {
    for (const PageJson* record : records)
        for (const auto& [name, value] : record->items())
            if (is_fit_name(name) && std::find(guess.members.begin(), guess.members.end(), name) == guess.members.end())
                guess.members.push_back(name);
    guess_key(records, guess);
    guess_since(records, guess);
}

RecordGuess plain_values(const PageJson& array) {
    RecordGuess guess{.path = "$[*]",
                      .path_why = "the answer is an array of " + std::to_string(array.size()) + " plain values",
                      .is_list = true,
                      .count = array.size()};
    std::set<std::string> seen;
    bool differ = true;
    for (const PageJson& item : array)
        differ = differ && item.is_primitive() && !item.is_null() &&
                 seen.insert(item.dump(-1, ' ', false, PageJson::error_handler_t::replace)).second;
    guess.key = differ ? "value" : "";
    guess.key_why = differ ? "the values differ" : "the values do not differ, or some are null";
    return guess;
}

}  // namespace

RecordGuess guess_records(const PageSample& sample) {
    const PageJson& document = sample.document;
    if (document.is_array() && !holds_objects(document)) return plain_values(document);
    RecordGuess guess;
    std::vector<const PageJson*> records;
    const auto found = array_of_records(document);
    if (!found) {
        guess.path_why = "no array of objects is in the answer: it is one record";
        guess.count = 1;
        records.push_back(&document);
        look_at(std::move(records), guess);
        return guess;
    }
    guess.is_list = true;
    guess.steps = found->steps;
    guess.count = found->array->size();
    for (const PageJson& item : *found->array) records.push_back(&item);
    if (!guess.steps.empty()) guess.path = path_text(guess.steps) + "[*]";
    guess.path_why = guess.count == 0      ? "an empty array, where other pages may have records"
                     : guess.steps.empty() ? "the answer is an array of " + counted(guess.count)
                                           : "the largest array of objects in the answer, " + counted(guess.count);
    if (const auto wrapper = wrapper_in(records); !wrapper.empty()) {
        guess.path = (guess.path.empty() ? "$[*]" : guess.path) + "." + wrapper;
        guess.path_why += ", each inside \"" + wrapper + "\"";
        for (const PageJson*& record : records) record = &(*record)[wrapper];
    }
    look_at(std::move(records), guess);
    return guess;
}

}  // namespace pawl::app
