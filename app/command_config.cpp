#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/failure.hpp"
#include "app/suggestion.hpp"
#include "core/errors.hpp"
#include "core/field_explanation.hpp"
#include "core/field_reference.hpp"
#include "core/field_search.hpp"
#include "core/setting_explanation.hpp"
#include "core/source_schema.hpp"

namespace pawl::app {

namespace {

using FieldJson = nlohmann::ordered_json;

FieldJson describe_field(const core::Field& field) {
    const auto& meant = core::defining_field(field);
    const auto words = core::split_choices(meant.type);
    FieldJson children = FieldJson::array(), choices = FieldJson::array();
    for (const auto* child : core::source_field_children(meant.path)) children.push_back(child->path);
    if (words.size() > 1) choices = words;
    return {
        {"path", field.path}, {"type", meant.type},       {"choices", choices},   {"default", field.fallback},
        {"help", field.doc},  {"supported", field.built}, {"children", children}, {"example", core::field_example(field.path)}};
}

FieldJson describe_setting(const core::SettingField& setting) {
    return {{"path", setting.path},
            {"type", setting.type},
            {"default", setting.fallback},
            {"help", setting.doc},
            {"environment", core::setting_variable(setting.path)}};
}

template <class Rows, class Describe>
std::string list_as_json(const Rows& rows, Describe describe) {
    FieldJson list = FieldJson::array();
    for (const auto* row : rows) list.push_back(describe(*row));
    return list.dump(2) + "\n";
}

[[noreturn]] void refuse(const std::string& words, const core::FieldSearch& search) {
    if (search.found.empty()) {
        auto hint = core::setting_hint(words);
        if (hint.empty()) hint = search.hint;
        if (hint.empty()) hint = "`pawl config explain` tells what there is";
        throw UsageError("neither source files nor settings have a '" + words + "'; " + hint);
    }
    std::string text = "'" + words + "' is in several places; say which:";
    for (const auto* field : search.found) text += "\n  pawl config explain '" + std::string(field->path) + "'";
    throw UsageError(text);
}

std::string explained(const std::string& words, bool json) {
    const auto search = core::find_field(words);
    if (search.found.size() == 1) {
        const auto& field = *search.found.front();
        if (json) return describe_field(field).dump(2) + "\n";
        return core::explanation(field) + (search.hint.empty() ? "" : "\n'" + words + "' was taken for a name; " + search.hint + "\n");
    }
    const auto settings = core::find_settings(words);
    if (!search.found.empty() || settings.empty()) refuse(words, search);
    if (settings.size() > 1) return json ? list_as_json(settings, describe_setting) : core::explanation(settings);
    return json ? describe_setting(*settings.front()).dump(2) + "\n" : core::explanation(*settings.front());
}

core::ExitCode explain(const Invocation& invocation) {
    if (invocation.names.size() > 1)
        std::cout << explained(invocation.names[1], invocation.json);
    else if (invocation.json)
        std::cout << list_as_json(core::source_field_children(""), describe_field);
    else
        std::cout << core::explanation_of_file();
    return core::ExitCode::ok;
}

core::ExitCode reference(const std::string& page) {
    if (page.empty()) {
        std::cout << core::reference_rows();
        return core::ExitCode::ok;
    }
    std::ifstream in(page, std::ios::binary);
    if (!in) throw core::ConfigError("cannot read " + page);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto renewed = core::renewed_reference(text);
    if (renewed == text) return core::ExitCode::ok;
    std::ofstream out(page, std::ios::binary | std::ios::trunc);
    out << renewed;
    out.close();
    if (!out) throw core::ConfigError("cannot write " + page);
    return core::ExitCode::ok;
}

}  // namespace

core::ExitCode config(const Invocation& invocation) {
    const auto& action = invocation.names.front();
    if (action != "reference" && !invocation.page_to_update.empty()) throw UsageError("--update is for 'config reference'");
    if (action == "explain") return explain(invocation);
    if (action != "schema" && action != "reference") {
        const auto meant = nearest(action, {"explain", "schema", "reference"});
        throw UsageError("config is explain, schema or reference, not '" + action + "'" +
                         (meant ? "; did you mean '" + *meant + "'?" : ""));
    }
    if (invocation.names.size() > 1) throw UsageError("'config " + action + "' takes no '" + invocation.names[1] + "'");
    if (action == "reference") return reference(invocation.page_to_update);
    std::cout << core::source_schema();
    return core::ExitCode::ok;
}

}  // namespace pawl::app
