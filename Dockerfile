# Both programs in one image. Not built in this repository's CI, which has no image builder.
#
#   docker build -t p2pmsg .
#   docker run -d --name p2pmsgd -v p2pmsg:/data --network host p2pmsg
#   docker exec p2pmsgd p2pmsg status
#   docker run -d -v relay:/data -p 4001:4001/tcp -p 4001:4001/udp p2pmsg p2pmsg-relay serve
#
# The API listens on loopback inside the container: reach it with `docker exec`, or by the socket /data/api.sock in the
# volume. Host networking lets mDNS and direct connections work.

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
# The image's own Node is used: the one that a checkout brings along goes.
RUN npm run build && npm prune --omit=dev --no-audit --no-fund && rm -rf node_modules/node-linux-* \
    && mv node_modules dist/node_modules

FROM node:24-bookworm-slim
ENV NODE_ENV=production P2PMSG_HOME=/data
COPY --from=build /src/dist /opt/p2pmsg
RUN ln -s /opt/p2pmsg/bin/p2pmsgd /opt/p2pmsg/bin/p2pmsg /opt/p2pmsg/bin/p2pmsg-relay /usr/local/bin/ \
    && install -d -m 0700 -o 10001 -g 10001 /data
USER 10001:10001
VOLUME /data
EXPOSE 7301/tcp 7301/udp 4001/tcp 4001/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=20s CMD ["p2pmsgd", "health"]
CMD ["p2pmsgd", "serve"]
