#include "core/json_document.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/decode_jsonl.hpp"
#include "core/errors.hpp"
#include "core/unicode.hpp"
#include "tests/fuzz/targets.hpp"

namespace pawl::fuzz {

namespace {

using core::JsonDocument;
using core::JsonKind;

/// Each value stands inside the one that holds it, behind the one before it, and all strings can be read.
void check_tree(const JsonDocument& document, JsonDocument::Node node) {
    const auto whole = document.raw(node);
    if (document.kind(node) == JsonKind::text) {
        const auto text = document.text(node);
        require(core::is_utf8(text), "text that is no UTF-8");
        if (const auto plain = document.plain_text(node)) require(*plain == text, "plain text that differs");
        return;
    }
    const bool object = document.kind(node) == JsonKind::object;
    if (!object && document.kind(node) != JsonKind::array) return;
    const char* behind = whole.data();
    std::size_t count = 0;
    for (auto child = document.first_child(node); child != JsonDocument::none; child = document.next(child), ++count) {
        const auto raw = document.raw(child);
        require(raw.data() > behind && raw.data() + raw.size() < whole.data() + whole.size(), "a value outside of its container");
        behind = raw.data() + raw.size() - 1;
        if (object) require(document.member(node, document.key(child)) != JsonDocument::none, "a member that is not found");
        else require(document.element(node, static_cast<std::int64_t>(count)) == child, "an element that is not found");
        check_tree(document, child);
    }
    require(count == document.child_count(node), "another count of children");
}

bool is_accepted(std::string_view text) {
    try {
        const auto document = JsonDocument::parse(std::string(text));
        check_tree(document, document.root());
        return true;
    } catch (const core::PermanentError& error) {
        require(*error.what() != '\0', "refused without a reason");
        return false;
    }
}

enum class Verdict { yes, no, unknown };

/// nlohmann::json as the second opinion. It knows no numbers beyond a double, takes a byte order mark, and refuses surrogates
/// that stand alone; the depth is ours to bound.
Verdict second_opinion(std::string_view text) {
    const bool deep = std::count_if(text.begin(), text.end(), [](char c) { return c == '[' || c == '{'; }) > 128;
    const bool marked = text.starts_with("\xef\xbb\xbf");
    if (deep || marked || text.find("\\u") != std::string_view::npos || text.find('\0') != std::string_view::npos)
        return Verdict::unknown;
    try {
        return nlohmann::json::parse(text).is_discarded() ? Verdict::no : Verdict::yes;
    } catch (const nlohmann::json::out_of_range&) {
        return Verdict::unknown;
    } catch (const nlohmann::json::exception&) {
        return Verdict::no;
    }
}

}  // namespace

void fuzz_json(std::string_view input) {
    const bool accepted = is_accepted(input);
    const auto opinion = second_opinion(input);
    require(opinion == Verdict::unknown || accepted == (opinion == Verdict::yes), "nlohmann::json judges otherwise");
    try {
        const auto lines = core::jsonl_as_json(std::string(input));
        const auto document = JsonDocument::parse(lines, {.depth_max = 129});  // one more for the array around them
        require(document.kind(document.root()) == JsonKind::array, "JSON lines that are no array");
    } catch (const core::PermanentError& error) {
        require(std::string_view(error.what()).starts_with("line "), "refused without a place: " + std::string(error.what()));
    }
}

}  // namespace pawl::fuzz
