#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pawl::test {

/// An nginx of this test alone, on a free port of 127.0.0.1, that admits so many requests a second
/// over all paths (limit_req … nodelay) and refuses the rest with 429. It serves the files the test
/// writes: /stream/1?page=2 is files()/1-2.json, and no page is the first.
class PrivateNginx {
  public:
    struct Rate {
        int per_second = 50, burst = 10;
    };
    struct Served {
        double at = 0;  ///< seconds since the epoch, to the millisecond, on nginx's clock
        int status = 0;
        std::string target;
    };

    /// Starts it and waits until it listens. One process, run as the test's user.
    explicit PrivateNginx(Rate rate);

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::filesystem::path files() const { return directory_.path() / "files"; }
    /// What its access log says so far.
    [[nodiscard]] std::vector<Served> served() const;

  private:
    void start(Rate rate);

    TemporaryDirectory directory_;
    int port_ = 0;
    std::unique_ptr<ChildProcess> server_;
};

}  // namespace pawl::test
