#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"

namespace pawl::app {

core::ExitCode version(const Invocation& invocation) {
    if (invocation.json)
        std::cout << nlohmann::json{{"version", PAWL_VERSION}}.dump() << '\n';
    else
        std::cout << "pawl " << PAWL_VERSION << '\n';
    return core::ExitCode::ok;
}

}  // namespace pawl::app
