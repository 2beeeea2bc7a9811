#include "core/decode_csv.hpp"

#include <algorithm>
#include <set>

#include "core/charset.hpp"
#include "core/errors.hpp"
#include "core/json_document.hpp"
#include "core/unicode.hpp"
#include "tests/fuzz/targets.hpp"

namespace pawl::fuzz {

namespace {

core::CsvOptions options_of(unsigned char byte) {
    core::CsvOptions options;
    options.delimiter = std::string_view(",;\t|")[byte & 3];
    options.quote = std::string_view("\"'\0\"", 4)[byte >> 2 & 3];
    if ((byte >> 4 & 3) == 1) options.header = {"a", "b", "c"};
    options.skip = byte >> 6;
    return options;
}

}  // namespace

void fuzz_csv(std::string_view input) {
    if (input.empty()) return;
    const auto options = options_of(static_cast<unsigned char>(input.front()));
    const auto text = core::with_utf8(core::as_utf8(std::string(input.substr(1)), core::Stream::Decode::csv, "text/csv"));
    std::string json;
    try {
        json = core::csv_as_json(options, text);
    } catch (const core::PermanentError& error) {
        require(std::string_view(error.what()).starts_with("line "), "refused without a place");
        return;
    }
    const auto document = core::JsonDocument::parse(json);  // a refusal is a finding
    require(document.kind(document.root()) == core::JsonKind::array, "no array");
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    require(document.child_count(document.root()) <= lines, "more records than lines");
    for (auto record = document.first_child(document.root()); record != core::JsonDocument::none; record = document.next(record)) {
        const bool object = document.kind(record) == core::JsonKind::object;
        require(object || document.kind(record) == core::JsonKind::array, "a record that is a value");
        std::set<std::string> names;
        for (auto field = document.first_child(record); object && field != core::JsonDocument::none; field = document.next(field))
            require(names.insert(document.key(field)).second, "two columns of one name");
    }
}

}  // namespace pawl::fuzz
