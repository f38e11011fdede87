/* A real OpenID Connect provider with three accounts; it prints its issuer when it listens. */
import { createServer } from "node:net";
import { Provider } from "oidc-provider";

const [, , secret, callback] = process.argv;
const port = await new Promise((found) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port: free } = probe.address();
    probe.close(() => found(free));
  });
});
const issuer = `http://127.0.0.1:${port}`;
const verified = { unverified: false, text: "false" };

const provider = new Provider(issuer, {
  clients: [{ client_id: "bilag", client_secret: secret, redirect_uris: [callback] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  pkce: { required: () => true },
  cookies: { keys: ["only for tests"] },
  conformIdTokenClaims: false,
  async findAccount(_context, id) {
    const [name, address = `${name}@example.org`] = id.split("+");
    return {
      accountId: id,
      claims: () => ({ sub: id, name, email: address, email_verified: verified[name] ?? true }),
    };
  },
});
provider.listen(port, "127.0.0.1", () => console.log(issuer));
