#include "tests/support/private_nginx.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/eventually.hpp"
#include "tests/support/free_port.hpp"

namespace pawl::test {
namespace {

// As root a worker would give up its rights, and with them the test's directory.
std::string configuration(const std::filesystem::path& directory, int port,
                          PrivateNginx::Rate rate) {
    std::ostringstream text;
    text << (::geteuid() == 0 ? "user root;\n" : "") << "daemon off;\nmaster_process off;\npid "
         << (directory / "pid").string() << R"(;
events { worker_connections 1024; }
http {
  log_format shown '$msec $status $request_uri';
  access_log )"
         << (directory / "served").string() << R"( shown;
  keepalive_requests 1000000;
  tcp_nodelay on;
  default_type application/json;
)";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
        text << "  " << kind << "_temp_path " << (directory / kind).string() << ";\n";
    text << "  limit_req_zone $server_name zone=quota:1m rate=" << rate.per_second << R"(r/s;
  limit_req_status 429;
  map $arg_page $page { "" 1; default $arg_page; }
  server {
    listen 127.0.0.1:)"
         << port << R"(;
    server_name quota;
    limit_req zone=quota burst=)"
         << rate.burst << R"( nodelay;
    root )" << (directory / "files").string()
         << R"(;
    location ~ ^/stream/(?<name>\d+)$ { try_files /$name-$page.json =404; }
  }
}
)";
    return text.str();
}

}  // namespace

PrivateNginx::PrivateNginx(Rate rate) {
    std::filesystem::create_directory(files());
    for (int attempt = 1;; ++attempt) {
        port_ = free_port();
        try {
            start(rate);
            return;
        } catch (const std::runtime_error&) {  // another process may have taken the port
            if (attempt == 3) throw;
        }
    }
}

void PrivateNginx::start(Rate rate) {
    const auto file = directory_.path() / "nginx.conf";
    std::ofstream(file) << configuration(directory_.path(), port_, rate);
    ChildProcess::Options options;
    // Debian's place for it is in root's PATH only.
    options.argv = {"/usr/sbin/nginx", "-e",
                    "stderr",          "-p",
                    directory_.path(), "-c",
                    file.string()};
    server_ = std::make_unique<ChildProcess>(std::move(options));
    const auto is_up = [this] { return !server_->is_running() || listens(port_); };
    if (!eventually(std::chrono::seconds(20), is_up) || !server_->is_running())
        throw std::runtime_error("nginx did not start: " + server_->errors());
}

std::vector<PrivateNginx::Served> PrivateNginx::served() const {
    std::vector<Served> all;
    std::ifstream in(directory_.path() / "served");
    for (Served one; in >> one.at >> one.status >> one.target;) all.push_back(one);
    return all;
}

}  // namespace pawl::test
