// Makes a region's replica set of one member, and the platform's own user in its own database; safe to repeat.
// Runs in mongosh without a connection: passwords are read from files, so that no list of processes shows them.
const fs = require("fs");
const { DOCUMENTS_HOST: host, DOCUMENTS_SET: set, DOCUMENTS_REGION: region } = process.env;
const secret = (name) => fs.readFileSync(`/run/secrets/${name}-${region}`, "utf8").trim();

const root = `mongodb://root:${encodeURIComponent(secret("documents-root"))}@${host}/admin?directConnection=true`;
const admin = connect(root);
const ALREADY_INITIALIZED = 23;

try {
  admin.adminCommand({ replSetInitiate: { _id: set, members: [{ _id: 0, host }] } });
} catch (error) {
  if (error.code !== ALREADY_INITIALIZED) throw error;
}
for (let waited = 0; !admin.hello().isWritablePrimary; waited++) {
  if (waited === 60) throw new Error(`${set} has no primary after ${waited} seconds`);
  sleep(1000);
}

const varai = admin.getSiblingDB("varai");
const user = { pwd: secret("documents-app"), roles: [{ role: "dbOwner", db: "varai" }] };
if (varai.getUser("varai")) varai.updateUser("varai", user);
else varai.createUser({ user: "varai", ...user });
print(`${set} is ready`);
