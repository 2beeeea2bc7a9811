#include "app/health.hpp"

#include <algorithm>
#include <utility>

namespace pawl::app {

void Health::set_dependency(const std::string& name, bool up, std::string reason) {
    dependencies_[name] = {up, std::move(reason)};
}

bool Health::is_up(const std::string& dependency) const {
    const auto found = dependencies_.find(dependency);
    return found != dependencies_.end() && found->second.up;
}

bool Health::is_ready() const {
    return !is_stopping_ && std::all_of(dependencies_.begin(), dependencies_.end(),
                                        [](const auto& entry) { return entry.second.up; });
}

std::string Health::describe() const {
    std::string text;
    for (const auto& [name, state] : dependencies_) {
        text += name + (state.up ? ": up" : ": down");
        if (!state.up && !state.reason.empty()) text += " (" + state.reason + ")";
        text += '\n';
    }
    if (is_stopping_) text += "stopping\n";
    return text;
}

}  // namespace pawl::app
