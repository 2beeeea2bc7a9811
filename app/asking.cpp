#include "app/asking.hpp"

#include <unistd.h>

#include <iostream>

#include "app/failure.hpp"

namespace pawl::app {

namespace {

std::string answer_to(const std::string& question, const std::string& hint, const Asked& person) {
    const std::string text = question + (question.ends_with('\n') ? "" : " ");
    if (!person.is_terminal) throw UsageError(text + "Say --yes where nobody can be asked.");
    person.questions << text << hint << std::flush;
    std::string word;
    std::getline(person.answers, word);
    return word;
}

}  // namespace

Asked Asked::by_terminal() { return {std::cin, std::cerr, ::isatty(STDIN_FILENO) == 1}; }

bool is_wanted(const std::string& question, bool yes, const Asked& person) {
    if (yes) return true;
    const auto word = answer_to(question, "[y/N] ", person);
    return word == "y" || word == "Y" || word == "yes";
}

bool is_confirmed(const std::string& question, const std::string& word, bool yes, const Asked& person) {
    if (yes) return true;
    return answer_to(question, "Type '" + word + "' to go on: ", person) == word;
}

}  // namespace pawl::app
