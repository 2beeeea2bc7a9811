#include "tests/support/private_sentinel.hpp"

#include <algorithm>
#include <fstream>

#include "tests/support/free_port.hpp"

namespace pawl::test {

PrivateSentinel::PrivateSentinel(int master_port) : port_(free_port()) {
    const auto file = (directory_.path() / "sentinel.conf").string();  // it keeps what it knows in it
    std::ofstream(file) << "port " << port_ << "\nbind 127.0.0.1\ndir " << directory_.path().string()
                        << "\nsentinel monitor pawl 127.0.0.1 " << master_port
                        << " 1\nsentinel down-after-milliseconds pawl 500\nsentinel failover-timeout pawl 5000\n";
    server_ = std::make_unique<ChildProcess>(ChildProcess::Options{.argv = {"redis-server", file, "--sentinel"}});
}

int PrivateSentinel::replicas() const {
    const auto answer = ask("REPLICAS");
    int count = 0;
    for (auto at = answer.find("master-link-status\n"); at != std::string::npos; ++count)
        at = answer.find("master-link-status\n", at + 1);
    return count;
}

int PrivateSentinel::master_port() const {
    const auto answer = ask("GET-MASTER-ADDR-BY-NAME");  // host and port, a line each
    const auto line = answer.find('\n');
    return line == std::string::npos ? 0 : std::stoi(answer.substr(line + 1));
}

std::string PrivateSentinel::ask(const std::string& verb) const {
    auto ran = run_program({.argv = {"redis-cli", "-p", std::to_string(port_), "SENTINEL", verb, "pawl"}});
    return ran.status == 0 ? ran.output : std::string();
}

}  // namespace pawl::test
