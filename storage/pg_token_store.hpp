#pragma once

#include <memory>

#include "storage/connection.hpp"
#include "storage/token_store.hpp"

namespace pawl::storage {

/// Tokens in `pawl.token`, a row a slot. Leases and lives run by Postgres's clock, so the clocks of
/// hosts do not matter. Transactions are short: none is open while a token server is asked.
class PgTokenStore final : public TokenStore {
  public:
    explicit PgTokenStore(std::shared_ptr<ConnectionPool> pool);

    core::Task<TokenLease> take(TokenSlot slot, core::Nonce nonce, core::Millis lease) override;
    core::Task<bool> keep(TokenSlot slot, TokenLease lease, KeptToken token) override;
    core::Task<> release(TokenSlot slot, core::Nonce nonce) override;

  private:
    std::shared_ptr<ConnectionPool> pool_;
};

}  // namespace pawl::storage
