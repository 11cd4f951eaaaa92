/* nbody.c - floating point with square roots and divisions: seven bodies that attract each other.
 *
 * A step is symplectic Euler's: velocities change by the forces, then places by the velocities. The total energy
 * is printed before and after; it must hardly change.
 *
 * usage: nbody [N]. N units of work, 50 without it. A unit is 48,000 steps. */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODIES = 7, STEPS_PER_UNIT = 48000 };

typedef struct {
    double x, y, z, vx, vy, vz, mass;
} Body;

/* A heavy centre and six light bodies on rings around it; masses in units in which G = 1. */
static Body bodies[BODIES] = {
    {0, 0, 0, 0, 0, 0, 40},
    {5, 0, 0.1, 0, 2.82, 0, 0.04},
    {0, 7.5, -0.2, -2.3, 0, 0.05, 0.012},
    {-10, 0, 0.3, 0, -2, 0.1, 0.002},
    {0, -13, 0, 1.75, 0, -0.08, 0.0018},
    {16, 2, 0.5, -0.2, 1.57, 0, 0.0001},
    {-20, 4, 1, -0.3, -1.38, 0.06, 0.0003},
};

static void step(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        Body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            Body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double square = dx * dx + dy * dy + dz * dz;
            double pull = dt / (square * sqrt(square));
            a->vx -= dx * b->mass * pull;
            a->vy -= dy * b->mass * pull;
            a->vz -= dz * b->mass * pull;
            b->vx += dx * a->mass * pull;
            b->vy += dy * a->mass * pull;
            b->vz += dz * a->mass * pull;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        Body *body = &bodies[i];
        body->x += dt * body->vx;
        body->y += dt * body->vy;
        body->z += dt * body->vz;
    }
}

static double energy(void)
{
    double sum = 0;
    for (int i = 0; i < BODIES; i++) {
        const Body *a = &bodies[i];
        sum += a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz) / 2;
        for (int j = i + 1; j < BODIES; j++) {
            const Body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            sum -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return sum;
}

/* Lets the common centre of mass rest. */
static void stop_drift(void)
{
    double px = 0, py = 0, pz = 0;
    for (int i = 0; i < BODIES; i++) {
        px += bodies[i].vx * bodies[i].mass;
        py += bodies[i].vy * bodies[i].mass;
        pz += bodies[i].vz * bodies[i].mass;
    }
    bodies[0].vx -= px / bodies[0].mass;
    bodies[0].vy -= py / bodies[0].mass;
    bodies[0].vz -= pz / bodies[0].mass;
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50;
    uint64_t bits;
    stop_drift();
    printf("nbody: energy %.9f\n", energy());
    for (uint32_t i = 0; i < units * STEPS_PER_UNIT; i++) {
        step(0.001);
    }
    memcpy(&bits, &bodies[1].x, sizeof bits);
    printf("nbody: energy %.9f, first planet at %.6f %.6f (%016" PRIx64 ")\n", energy(),
           bodies[1].x, bodies[1].y, bits);
    return 0;
}
