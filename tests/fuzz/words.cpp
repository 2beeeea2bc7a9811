// Prints the words of source files and of expressions as a dictionary for libFuzzer.
#include <iostream>
#include <set>
#include <string>

#include "core/expression_functions.hpp"
#include "core/field_table.hpp"

int main() {
    std::set<std::string> words{"$.", "$$", "[*]", "??", "parent.", "list.", "header.", "link.last.page", "window.start",
                                " as ", "https://h/", "entries($)", "{id}", "${KEYS}", "query.", "body.", "(?<a>", "%Y-%m-%d"};
    for (const auto& field : pawl::core::source_fields()) {
        const auto name = field.path.substr(field.path.rfind('.') + 1);
        if (name.find_first_of("*[") == std::string_view::npos) words.insert(std::string(name) + ": ");
        if (field.type.find('"') != std::string_view::npos || field.type.find('|') != std::string_view::npos)
            for (auto& choice : pawl::core::split_choices(field.type))
                if (choice.find_first_of(" \"\\") == std::string::npos) words.insert(std::move(choice));
    }
    for (const auto& function : pawl::core::expression_functions()) words.insert(std::string(function.name) + "(");
    for (const auto& word : words) std::cout << '"' << word << "\"\n";
}
