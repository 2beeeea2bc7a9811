#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pawl::test {

/// A docker-registry (the package of that name) of this test alone, on a free port of 127.0.0.1, with HTTP Basic: `user`, `password`.
class PrivateRegistry {
  public:
    static constexpr const char* user = "pawl";
    static constexpr const char* password = "secret";

    PrivateRegistry();
    [[nodiscard]] std::string url() const { return url_; }

    /// Uploads an image without layers, as a client does. Returns the digest of its manifest. Throws std::runtime_error.
    std::string push(const std::string& repository, const std::string& tag, const std::string& config);
    /// Uploads a blob only: the registry lists the repository, and knows no tags of it.
    std::string push_blob(const std::string& repository, const std::string& content);

  private:
    TemporaryDirectory directory_;
    std::string url_;
    std::unique_ptr<ChildProcess> server_;
};

}  // namespace pawl::test
